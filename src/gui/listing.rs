//! What the server has, with what it takes to put it in order: worked out on the thread that fetches it. Comparing
//! names as a person orders them costs ten thousand files the time of a frame, and comparing numbers does not.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::natural;
use crate::protocol::FileInfo;

/// The files of the server.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted by the bytes of their names.
    files: Vec<FileInfo>,
    ranks: Vec<Rank>,
}

/// Where a file stands among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// By its name, as a person orders names.
    pub name: u32,
    /// By who uploaded it; the same for all of theirs.
    pub owner: u32,
}

impl Listing {
    /// Of files that are sorted by the bytes of their names.
    pub fn of(files: Vec<FileInfo>) -> Self {
        let mut by_name: Vec<usize> = (0..files.len()).collect();
        by_name.sort_by(|a, b| natural::compare(files[*a].name.as_str(), files[*b].name.as_str()));
        let mut owners: Vec<&str> = files.iter().map(|file| file.owner.as_str()).collect();
        owners.sort_unstable();
        owners.dedup();
        owners.sort_by(|a, b| natural::compare(a, b));
        let owners: BTreeMap<&str, u32> = owners.into_iter().zip(0..).collect();
        let mut ranks = vec![Rank::default(); files.len()];
        for (place, name) in by_name.into_iter().zip(0..) {
            let owner = owners.get(files[place].owner.as_str());
            ranks[place] = Rank {
                name,
                owner: owner.copied().unwrap_or_default(),
            };
        }
        Self { files, ranks }
    }

    /// Where the file at this place stands among the others.
    pub fn rank(&self, place: usize) -> Rank {
        self.ranks.get(place).copied().unwrap_or_default()
    }
}

impl Deref for Listing {
    type Target = [FileInfo];

    fn deref(&self) -> &[FileInfo] {
        &self.files
    }
}

#[cfg(test)]
mod tests {
    use crate::gui::files::sample::listing;

    #[test]
    fn each_file_knows_its_place_by_name_and_by_owner_as_a_person_orders_them() {
        let all = listing(&[
            ("a10", "user10", 1, 1),
            ("a9", "user9", 1, 1),
            ("B1", "user9", 1, 1),
            ("a9/x", "Bob", 1, 1),
        ]);
        let of = |name: &str| {
            let place = all.iter().position(|file| file.name.as_str() == name);
            let rank = all.rank(place.unwrap());
            (rank.name, rank.owner)
        };
        assert_eq!(of("a9"), (0, 1));
        assert_eq!(of("a9/x"), (1, 0));
        assert_eq!(of("a10"), (2, 2));
        assert_eq!(of("B1"), (3, 1));
    }
}
