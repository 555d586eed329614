//! `toomd user`: the account file, edited.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use toom_core::UserName;
use toom_net::credentials::{self, Credentials, EditError, Editor, FileError};

use crate::args::{UserArgs, UserCommand};
use crate::failure::Failure;
use crate::password;

/// With more passwords to hash than this, people are told how far it is.
const SILENT_MAX: usize = 20;

/// Carries out one subcommand.
pub(crate) fn run(args: &UserArgs) -> Result<(), Failure> {
    let path = args.credentials.as_path();
    match &args.command {
        UserCommand::Add { name } => add(path, name),
        UserCommand::Remove { name } => remove(path, name),
        UserCommand::Passwd { name } => set_password(path, name),
        UserCommand::Block { name } => block(path, name),
        UserCommand::Unblock { name } => unblock(path, name),
        UserCommand::List => list(path),
        UserCommand::Hash => hash_all(path),
    }
}

fn add(path: &Path, name: &UserName) -> Result<(), Failure> {
    // Refused before a password is asked for; a copy of the file shows whether the line can be added.
    let read = || or_empty(credentials::read(path).map(|loaded| loaded.credentials));
    read()?.add(name, "password").map_err(in_file(path))?;
    let secret = password::new_hash(name)?;
    let editor = open(path)?;
    let mut credentials = or_empty(editor.read())?;
    credentials.add(name, &secret).map_err(in_file(path))?;
    editor.write(&credentials)?;
    eprintln!("{name} has an account in {} now", path.display());
    Ok(())
}

fn set_password(path: &Path, name: &UserName) -> Result<(), Failure> {
    if credentials::read(path)?.credentials.spelling(name).is_none() {
        return Err(in_file(path)(EditError::Unknown { name: name.clone() }));
    }
    let secret = password::new_hash(name)?;
    edit(path, |credentials| credentials.set_secret(name, &secret))?;
    eprintln!("{name} has a new password in {}", path.display());
    Ok(())
}

fn remove(path: &Path, name: &UserName) -> Result<(), Failure> {
    edit(path, |credentials| credentials.remove(name))?;
    eprintln!("{name} has no account in {} any more", path.display());
    Ok(())
}

fn block(path: &Path, name: &UserName) -> Result<(), Failure> {
    edit(path, |credentials| credentials.block(name))?;
    eprintln!("{name} cannot log in any more; a server that runs learns it at SIGHUP");
    Ok(())
}

fn unblock(path: &Path, name: &UserName) -> Result<(), Failure> {
    edit(path, |credentials| credentials.unblock(name))?;
    eprintln!("{name} can log in again; a server that runs learns it at SIGHUP");
    Ok(())
}

fn list(path: &Path) -> Result<(), Failure> {
    let credentials = credentials::read(path)?.credentials;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = credentials.accounts().try_for_each(|(name, secret)| {
        writeln!(out, "{name} {}", if secret.is_plain() { "plain" } else { "argon2id" })
    });
    let blocked = credentials.blocked();
    let written = written.and_then(|()| blocked.iter().try_for_each(|name| writeln!(out, "{name} blocked")));
    Failure::of_output(written.and_then(|()| out.flush()))
}

fn hash_all(path: &Path) -> Result<(), Failure> {
    let editor = open(path)?;
    let mut credentials = editor.read()?;
    let plain: Vec<UserName> = credentials.plain().cloned().collect();
    if plain.is_empty() {
        eprintln!("{} holds no plain password", path.display());
        return Ok(());
    }
    let progress = Progress::new(plain.len());
    for (done, name) in plain.iter().enumerate() {
        progress.show(done);
        credentials.hash(name, password::salt()?).map_err(in_file(path))?;
    }
    progress.end();
    editor.write(&credentials)?;
    eprintln!("hashed {} in {}", passwords(plain.len()), path.display());
    Ok(())
}

fn edit(path: &Path, change: impl FnOnce(&mut Credentials) -> Result<(), EditError>) -> Result<(), Failure> {
    let editor = open(path)?;
    let mut credentials = editor.read()?;
    change(&mut credentials).map_err(in_file(path))?;
    Ok(editor.write(&credentials)?)
}

fn open(path: &Path) -> Result<Editor, FileError> {
    Editor::open(path, || eprintln!("waiting for another toomd that changes {}", path.display()))
}

fn or_empty(read: Result<Credentials, FileError>) -> Result<Credentials, FileError> {
    match read {
        Err(FileError::Missing { .. }) => Ok(Credentials::default()),
        read => read,
    }
}

fn in_file(path: &Path) -> impl Fn(EditError) -> Failure {
    move |error| Failure::Edit { path: path.to_owned(), error }
}

fn passwords(count: usize) -> String {
    if count == 1 { "1 password".to_owned() } else { format!("{count} passwords") }
}

/// How far the hashing is, on standard error: one line, written over and over on a terminal and once elsewhere.
struct Progress {
    count: usize,
    shown: Shown,
}

enum Shown {
    Never,
    Once,
    Always,
}

impl Progress {
    fn new(count: usize) -> Self {
        let shown = match (count > SILENT_MAX, io::stderr().is_terminal()) {
            (false, _) => Shown::Never,
            (true, false) => Shown::Once,
            (true, true) => Shown::Always,
        };
        Self { count, shown }
    }

    fn show(&self, done: usize) {
        match self.shown {
            Shown::Once if done == 0 => eprintln!("hashing {}", passwords(self.count)),
            Shown::Always => eprint!("\rhashing, {done} of {} done", self.count),
            _ => {}
        }
    }

    fn end(&self) {
        if let Shown::Always = self.shown {
            eprintln!("\rhashing, {0} of {0} done", self.count);
        }
    }
}
