//! The architecture as a test: which room may name which, and who owns which foreign interface.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file, without comments, strings and its tests.
struct Source {
    /// Below `src/`.
    path: String,
    code: String,
}

impl Source {
    /// The room: the first part of the path.
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    /// The rooms it names.
    fn names(&self) -> BTreeSet<&str> {
        let mut named = BTreeSet::new();
        for after in self.code.split("crate::").skip(1) {
            let end = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
            let word = &after[..end.unwrap_or(after.len())];
            assert!(
                !word.is_empty(),
                "{}: `crate::{{…}}` hides what it names",
                self.path
            );
            named.insert(word);
        }
        named.remove(self.room());
        named
    }
}

fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&top, &mut files);
    let mut sources = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(&top)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let is_test = ["tests.rs", "_tests.rs", "testing.rs"]
            .iter()
            .any(|end| path.ends_with(end));
        if !is_test {
            let code = bare(&fs::read_to_string(&file).unwrap());
            sources.push(Source { path, code });
        }
    }
    assert!(sources.len() > 50, "{}", sources.len());
    sources
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code without line comments, without what is in double quotes, and without its tests.
fn bare(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let text = text.split("#[cfg(test)]\n#[expect").next().unwrap();
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            if !quoted && line[at..].starts_with("//") {
                break;
            }
            if c == '"' && before != '\\' && before != '\'' {
                quoted = !quoted;
            } else if !quoted {
                code.push(c);
            }
            before = c;
        }
        code.push('\n');
    }
    code
}

/// What each room may name. `error`, `lang`, `config` and `text` are everybody's.
fn may_name(room: &str) -> &'static [&'static str] {
    match room {
        "cli" => &[
            "server",
            "client",
            "doctor",
            "pki",
            "gui",
            "lab",
            "store",
            "transport",
            "protocol",
        ],
        "gui" => &["client", "transport", "protocol", "pki", "lab"],
        "lab" => &["server", "client", "pki", "transport", "protocol", "store"],
        "doctor" => &["client", "transport", "pki", "protocol"],
        "server" => &["transport", "protocol", "store", "pki"],
        "client" => &["transport", "protocol"],
        "transport" => &["pki", "protocol"],
        // Names of users and files are parsed once, by the protocol's own types.
        "store" | "pki" | "error" => &["protocol"],
        "protocol" | "lang" | "config" | "text" => &[],
        // main knows the command line only; lib is the map.
        "main" | "lib" => &["cli"],
        other => panic!("a room without a rule: {other}"),
    }
}

#[test]
fn each_room_names_only_the_rooms_below_it() {
    for source in sources() {
        let room = source.room();
        for named in source.names() {
            let everybodys = ["error", "lang", "config", "text"].contains(&named);
            let allowed = everybodys || may_name(room).contains(&named);
            assert!(
                allowed,
                "{} names {named}, which {room} may not",
                source.path
            );
        }
    }
}

#[test]
fn client_and_server_never_name_each_other() {
    for source in sources() {
        let named = source.names();
        match source.room() {
            "client" => assert!(!named.contains("server"), "{}", source.path),
            "server" => assert!(!named.contains("client"), "{}", source.path),
            _ => {}
        }
    }
}

#[test]
fn a_session_never_names_tls_or_sockets() {
    let mut seen = 0;
    for source in sources() {
        if ![
            "server/session.rs",
            "server/login.rs",
            "server/transfer.rs",
            "server/access.rs",
        ]
        .contains(&source.path.as_str())
        {
            continue;
        }
        seen += 1;
        for word in [
            "rustls",
            "std::net",
            "TcpStream",
            "ServerConnection",
            "Acceptor",
            "Socket",
            "socket2",
            "StreamOwned",
        ] {
            assert!(!source.code.contains(word), "{} names {word}", source.path);
        }
        for used in source.code.split("crate::transport::").skip(1) {
            let used = used.split(';').next().unwrap();
            // `lost` says what broke a connection, plain or sealed, without the session knowing which it is.
            let fine = ["Wire", "{Pace, Wire}", "{Wire, lost}"].contains(&used);
            assert!(
                fine,
                "{} knows more of transport than Wire: {used}",
                source.path
            );
        }
    }
    assert_eq!(seen, 4);
}

/// A foreign interface and where it may be named: a beginning of the path.
const OWNERS: [(&str, &[&str]); 20] = [
    ("rcgen::", &["pki/"]),
    ("x509_parser::", &["pki/", "lab/"]),
    ("pkcs8::", &["pki/"]),
    ("rustls_pemfile::", &["pki/"]),
    ("webpki_roots::", &["transport/"]),
    ("argon2::", &["store/hashing.rs", "store/users.rs"]),
    ("csv::", &["store/", "pki/index.rs"]),
    ("clap::", &["cli/"]),
    ("tracing_subscriber::", &["cli/"]),
    ("rpassword::", &["cli/"]),
    ("indicatif::", &["cli/"]),
    ("rustyline::", &["cli/shell/"]),
    ("comfy_table::", &["cli/"]),
    ("toml::", &["cli/"]),
    ("etherparse::", &["lab/"]),
    ("maud::", &["lab/report/"]),
    (
        "socket2::",
        &["server/listen.rs", "transport/onlooker.rs", "lab/"],
    ),
    ("use nix::", &["lab/kernel/"]),
    ("signal_hook::", &["cli/"]),
    (
        "unicode_normalization::",
        &["protocol/name.rs", "store/access.rs"],
    ),
];

#[test]
fn a_foreign_interface_has_one_owner() {
    for source in sources() {
        for (word, owners) in OWNERS {
            let owned = owners.iter().any(|owner| source.path.starts_with(owner));
            assert!(
                owned || !source.code.contains(word),
                "{} names {word}",
                source.path
            );
        }
    }
}

#[test]
fn tls_connections_are_made_in_one_room() {
    for source in sources() {
        if ["transport", "lab"].contains(&source.room()) {
            continue;
        }
        for after in source.code.split("rustls::").skip(1) {
            // Certificates and keys as bytes are the language transport and pki share; a verifier is what
            // pki asks whether it agrees.
            let fine = source.room() == "pki" || after.starts_with("pki_types");
            assert!(
                fine,
                "{} names rustls::{}",
                source.path,
                after.lines().next().unwrap()
            );
        }
        for word in [
            "ServerConnection",
            "ClientConnection",
            "StreamOwned",
            "ServerConfig",
            "ClientConfig",
        ] {
            assert!(!source.code.contains(word), "{} names {word}", source.path);
        }
    }
}

#[test]
fn nobody_prints_past_the_one_place_that_speaks_or_ends_the_process() {
    for source in sources() {
        for word in [
            "println!",
            "eprintln!",
            "print!(",
            "dbg!",
            "process::exit",
            "process::abort",
        ] {
            assert!(!source.code.contains(word), "{} has {word}", source.path);
        }
        if source.room() != "cli" {
            for word in ["io::stdout", "io::stderr", "stdout()", "stderr()"] {
                assert!(!source.code.contains(word), "{} has {word}", source.path);
            }
        }
    }
}

#[test]
fn the_scanner_sees_what_it_is_to_see() {
    let code = bare(
        "use crate::server::X; // crate::client\nlet s = \"crate::lab\"; rustls::y();\n#[cfg(test)]\nmod tests {\ncrate::gui",
    );
    let source = Source {
        path: "client/x.rs".to_owned(),
        code,
    };
    assert_eq!(source.names().into_iter().collect::<Vec<_>>(), ["server"]);
    assert!(source.code.contains("rustls::") && !source.code.contains("lab"));
}
