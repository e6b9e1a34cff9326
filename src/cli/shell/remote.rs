//! What the words do on the server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::line::Word;
use super::local;
use super::place::{Found, entries};
use super::session::{Session, Source, files_in};
use super::words::{GetWords, HowWords, LsWords, PutWords, RenameWords, RmWords, StatWords};
use crate::cli::listing::{Listing, Row};
use crate::cli::progress::Bars;
use crate::cli::secret::Secret;
use crate::cli::{account, deeds, walk};
use crate::client::{Batch, Client, Job, Login};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileInfo, FileName};
use crate::text::escape;

impl Session {
    /// `ls`
    pub(super) fn ls(&mut self, words: &LsWords) -> Result<()> {
        let mut listing = Listing::default();
        let here = [Word::Plain(String::new())];
        let names = match words.names.as_slice() {
            [] => &here[..],
            names => names,
        };
        for word in names {
            match word {
                Word::Plain(text) => self.ls_place(text, words.recursive, &mut listing)?,
                Word::Glob(glob) => {
                    let (found, files) = self.matching(glob)?;
                    for found in found {
                        match found {
                            Found::File(file) => self.row(file, &mut listing),
                            Found::Folder(name) => {
                                let inside = files_in(&format!("{name}/"), &files);
                                match words.recursive {
                                    true => inside
                                        .into_iter()
                                        .for_each(|file| self.row(file, &mut listing)),
                                    false => listing.push(self.folder_row(&name, &inside)),
                                }
                            }
                        }
                    }
                }
            }
        }
        listing.show(words.order, words.reverse, self.output);
        Ok(())
    }

    /// What is in a folder, or the file of that name.
    fn ls_place(&mut self, text: &str, recursive: bool, listing: &mut Listing) -> Result<()> {
        let place = self.place.of(text);
        let prefix = place.prefix()?;
        let files = self.list(&prefix)?;
        if files.is_empty() && !place.is_top() {
            if place == self.place {
                return Ok(());
            }
            let name = place.file()?;
            let file = self.ask(|client| client.stat(&name))?;
            self.row(file, listing);
            return Ok(());
        }
        for (name, group) in entries(&prefix, &files) {
            match name.strip_suffix('/') {
                Some(folder) if !recursive => {
                    listing.push(self.folder_row(&format!("{prefix}{folder}"), group));
                }
                _ => group
                    .iter()
                    .for_each(|file| self.row(file.clone(), listing)),
            }
        }
        Ok(())
    }

    fn row(&self, file: FileInfo, listing: &mut Listing) {
        let name = self.place.relative(file.name.as_str());
        listing.push(Row::of(file, name));
    }

    fn folder_row(&self, name: &str, files: &[FileInfo]) -> Row {
        Row {
            name: format!("{}/", self.place.relative(name)),
            size: files.iter().map(|file| file.size).sum(),
            owner: String::new(),
            modified: files.iter().map(|file| file.modified).max(),
            file: None,
        }
    }

    /// `cd`
    pub(super) fn cd(&mut self, folder: Option<&Word>) -> Result<()> {
        let place = self.place.of(folder.map_or("/", Word::text));
        if !self.is_folder(&place)? {
            return Err(Error::new(
                Kind::NotFound,
                format!("no file's name begins with {}/", place.name()),
            )
            .hint("a folder comes with its first file, such as `put FILE FOLDER/`"));
        }
        self.place = place;
        Ok(())
    }

    /// `mkdir`
    pub(super) fn mkdir(&self, folder: &Word) -> Result<()> {
        let place = self.place.of(folder.text());
        let name = place.file()?;
        self.output.note(format!(
            "a folder is what names begin with: {0}/ comes with its first file, `put FILE {0}/`",
            escape(&self.place.relative(name.as_str()))
        ));
        Ok(())
    }

    /// `get`, `reget`
    pub(super) fn get(&mut self, words: &GetWords, resume: bool) -> Result<ExitCode> {
        let into = words.path.as_ref().or(words.output.as_ref());
        let into = into.map(|into| PathBuf::from(into.text()));
        let sources = self.sources(&words.name, words.how.transfer.recursive)?;
        let several = sources.len() > 1;
        let mut jobs = Vec::new();
        for source in sources {
            match source {
                Source::File(name) => jobs.push(walk::download(name, into.as_deref(), several)),
                Source::Folder(name, files) => {
                    jobs.extend(walk::downloads_into(
                        walk::folder(&name, &files),
                        into.as_deref(),
                    ));
                }
            }
        }
        self.transfer(&jobs, &words.how, resume)
    }

    /// `put`, `reput`
    pub(super) fn put(&mut self, words: &PutWords, resume: bool) -> Result<ExitCode> {
        let transfer = &words.how.transfer;
        let paths = local::sources(&words.file, transfer.recursive, self.output)?;
        let several = paths.len() > 1;
        let name = self.destination(words.name.as_ref().map(Word::text), several)?;
        let jobs = walk::uploads(&paths, name.as_deref(), transfer.recursive, &[])?;
        self.forget_listing();
        self.transfer(&jobs, &words.how, resume)
    }

    /// Where files go: the name of one, or with a slash at the end a folder; none is the top.
    fn destination(&mut self, text: Option<&str>, several: bool) -> Result<Option<String>> {
        let place = self.place.of(text.unwrap_or_default());
        if place.is_top() {
            return Ok(None);
        }
        let is_folder =
            several || text.is_none_or(|text| text.ends_with('/')) || self.is_folder(&place)?;
        Ok(Some(match is_folder {
            true => place.prefix()?,
            false => place.name(),
        }))
    }

    fn transfer(&mut self, jobs: &[Job], how: &HowWords, resume: bool) -> Result<ExitCode> {
        self.connect()?;
        let stop = Arc::clone(&self.stop);
        let batch = Batch {
            target: &self.target,
            connections: how.transfer.jobs.into(),
            conflict: match resume || how.resume {
                true => Conflict::Resume,
                false => how.transfer.conflict.into(),
            },
            stop: Some(&stop),
        };
        let bars = Bars::new(jobs, self.output);
        if !self.progress {
            bars.hide();
        }
        deeds::transfer(&batch, &mut self.client, jobs, &bars, self.output)
    }

    /// `rm`
    pub(super) fn rm(&mut self, words: &RmWords) -> Result<()> {
        let mut names: Vec<FileName> = Vec::new();
        for word in &words.names {
            for source in self.sources(word, words.recursive)? {
                match source {
                    Source::File(name) => names.push(name),
                    Source::Folder(folder, files) => {
                        deeds::part_of_all(&folder)?;
                        names.extend(files.into_iter().map(|file| file.name));
                    }
                }
            }
        }
        let output = self.output;
        self.forget_listing();
        self.ask(|client| deeds::remove(client, &names, output))
    }

    /// `rename`
    pub(super) fn rename(&mut self, words: &RenameWords) -> Result<()> {
        let from = self.place.of(words.old.text()).file()?;
        let to = match self.destination(Some(words.new.text()), false)? {
            None => from.last_part().to_owned(),
            Some(folder) if folder.ends_with('/') => format!("{folder}{}", from.last_part()),
            Some(name) => name,
        };
        let to = crate::cli::files::file_name(&to)?;
        let (conflict, output) = (words.conflict.into(), self.output);
        self.forget_listing();
        self.ask(|client| deeds::rename(client, &from, &to, conflict, output))
    }

    /// `stat`
    pub(super) fn stat(&mut self, words: &StatWords) -> Result<()> {
        let mut names = Vec::new();
        for word in &words.names {
            for source in self.sources(word, false)? {
                if let Source::File(name) = source {
                    names.push(name);
                }
            }
        }
        let output = self.output;
        self.ask(|client| deeds::stat(client, &names, output))
    }

    /// `whoami`
    pub(super) fn whoami(&mut self) -> Result<()> {
        let output = self.output;
        self.ask(|client| account::tell_who(client, output))
    }

    /// `passwd`; the next connection is made with the new one.
    pub(super) fn passwd(&mut self) -> Result<()> {
        let user = self.user().to_owned();
        let old = Secret::Prompt.read(&account::old_password_of(&user))?;
        let new = account::new_password(&Secret::Prompt, &user)?;
        let output = self.output;
        self.ask(|client| account::change_password(client, &user, &old, &new, output))?;
        if let Login::Password { password, .. } = &mut self.target.login {
            *password = new;
        }
        Ok(())
    }

    /// `version`
    pub(super) fn version(&mut self) -> Result<()> {
        self.connect()?;
        let hello = self.client.as_ref().and_then(Client::hello);
        let there = hello.map_or_else(String::new, |hello| {
            format!("; the server is {}", escape(&hello.agent))
        });
        self.output
            .line(format!("{}{there}", crate::protocol::AGENT));
        Ok(())
    }
}
