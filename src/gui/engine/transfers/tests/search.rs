//! Looking through folders for what is to be uploaded.

use super::*;

/// A search through this; all it tells until it is over, and what is to be moved. `ended`: it is told to end
/// before it begins.
fn search(paths: Vec<PathBuf>, ended: bool) -> (Vec<Gathering>, Vec<NewTransfer>) {
    let (posts, received) = channel();
    let (mail, mails) = channel();
    let out = Out {
        posts,
        wake: Wake::new(|_within| {}),
    };
    let uploads = NewUploads {
        paths,
        folder: String::new(),
        target: sample::target("localhost", 1),
    };
    gather::start(uploads, mail, out, Arc::new(ended.into())).unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|news: &Gathering| !news.over) {
        match received.recv_timeout(PATIENCE).unwrap() {
            Post::Gathering(news) => told.push(news),
            other => panic!("{other:?}"),
        }
    }
    let new = mails.iter().flat_map(|mail| match mail {
        Mail::Order(TransferOrder::Add(new)) => new,
        other => panic!("{other:?}"),
    });
    (told, new.collect())
}

#[test]
fn links_to_folders_and_to_nothing_are_told_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("top");
    std::fs::create_dir(&top).unwrap();
    let file = std::fs::File::create(top.join("a")).unwrap();
    file.set_len(7).unwrap();
    std::os::unix::fs::symlink("/", top.join("root")).unwrap();
    std::os::unix::fs::symlink("gone", top.join("nothing")).unwrap();
    let (told, new) = search(vec![top], false);
    let left_out = &told[0].left_out;
    assert_eq!((told[0].found, left_out.len()), (1, 2));
    let is_link = |told: &Told| told.message.en.contains("is a link");
    assert!(left_out.iter().all(is_link), "{left_out:?}");
    assert_eq!((new.len(), new[0].size), (1, Some(7)));
}

#[test]
fn a_search_that_was_told_to_end_ends_with_the_file_it_is_at() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::File::create(dir.path().join(name)).unwrap();
    }
    let paths = || vec![dir.path().to_owned(), dir.path().join("c")];
    assert_eq!(search(paths(), true).1.len(), 1);
    assert_eq!(search(paths(), false).1.len(), 4);
}

#[test]
fn much_that_is_found_is_told_bit_by_bit_and_of_much_that_is_left_out_the_number() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..450 {
        std::fs::File::create(dir.path().join(n.to_string())).unwrap();
    }
    for n in 0..1_010 {
        std::fs::File::create(dir.path().join(format!("{n}\\"))).unwrap();
    }
    let (told, new) = search(vec![dir.path().to_owned()], false);
    let found: Vec<usize> = told.iter().map(|news| news.found).collect();
    assert_eq!((found, new.len()), (vec![200, 200, 50], 450));
    let left_out: Vec<_> = told.iter().flat_map(|news| &news.left_out).collect();
    assert_eq!(left_out.len(), 1_001);
    let last = &left_out[1_000].message.en;
    assert!(last.contains("10 more"), "{last}");
}
