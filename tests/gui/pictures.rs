//! Pictures of every screen, in both languages and both themes: `./run.sh screenshots`.
//!
//! They go to `target/screenshots/`; those that the README shows also, in fewer colours, to `tests/gui/pictures/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::desk::{Desk, Looks, Shown};
use crate::support::{TestServer, Via, noise};

/// Those that the README shows; each is at most so many bytes.
const README: [&str; 4] = ["list", "wire-plain", "wire-tls", "trust"];
const README_BYTES_MAX: u64 = 60_000;

struct Album<'a> {
    folder: PathBuf,
    desk: &'a Desk,
    looks: Looks,
}

#[test]
#[ignore = "makes pictures: ./run.sh screenshots"]
fn every_screen_in_both_languages_and_themes() {
    let desk = Desk::new().expect("Xvfb, xdotool, import and python3-xlib are needed");
    for language in ["en", "zh"] {
        for theme in ["light", "dark"] {
            let top = Path::new(env!("CARGO_MANIFEST_DIR"));
            let folder = top
                .join("target/screenshots")
                .join(format!("{language}-{theme}"));
            fs::create_dir_all(&folder).unwrap();
            let looks = Looks {
                language,
                theme,
                size: [1_000, 700],
            };
            Album {
                folder,
                desk: &desk,
                looks,
            }
            .fill();
        }
    }
}

impl Album<'_> {
    fn say<'a>(&self, english: &'a str, chinese: &'a str) -> &'a str {
        match self.looks.language {
            "zh" => chinese,
            _ => english,
        }
    }

    fn take(&self, window: &Shown<'_>, name: &str) {
        window.away();
        // Tooltips and the blinking caret go.
        std::thread::sleep(std::time::Duration::from_millis(700));
        window.picture(&self.folder.join(format!("{name}.png")), 256);
        let shown = self.looks.language == "en" && self.looks.theme == "light";
        if shown && README.contains(&name) {
            let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gui/pictures");
            fs::create_dir_all(&pictures).unwrap();
            let path = pictures.join(format!("{name}.png"));
            window.picture(&path, 32);
            let bytes = fs::metadata(&path).unwrap().len();
            assert!(bytes <= README_BYTES_MAX, "{name}: {bytes} bytes");
        }
    }

    fn log_in(&self, window: &Shown<'_>) {
        window.log_in(
            self.say("Log in", "登录"),
            self.say("User", "用户"),
            self.say("Password", "密码"),
        );
        window.wait_for(self.say("Disconnect", "断开连接"));
        window.wait_for("lecture 讲义.pdf");
    }

    fn fill(&self) {
        self.sealed();
        self.plain();
        self.untrusted();
    }

    /// A server with files of some days' work on it.
    fn server(flags: &[&str]) -> TestServer {
        let server = TestServer::start(flags);
        for (name, bytes) in [
            ("lecture 讲义.pdf", 240_000),
            ("notes.txt", 5_200),
            ("results.csv", 8_800),
            ("homework/one.zip", 31_000),
            ("homework/two.zip", 29_000),
            ("photo.jpg", 120_000),
        ] {
            server.house.write(name, &noise(bytes, 1));
        }
        let via = if flags.contains(&"--plain") {
            Via::Plain
        } else {
            Via::Tls
        };
        let put = [
            "put",
            "lecture 讲义.pdf",
            "notes.txt",
            "results.csv",
            "photo.jpg",
        ];
        server.run(via, "alice", &put).ok();
        server.run(via, "alice", &["put", "-r", "homework"]).ok();
        server
    }

    fn sealed(&self) {
        let server = Self::server(&["--client-auth", "none", "--limit-rate", "500K"]);
        let port = server.address.port();
        let window = self.desk.open(&server.house, port, "tls", self.looks);
        window.wait_for(self.say("Log in", "登录"));
        self.take(&window, "login");
        self.log_in(&window);
        self.take(&window, "list");
        server.house.write("film.mp4", &noise(6_000_000, 2));
        server.house.write("slides.odp", &noise(3_000_000, 2));
        window.drop_file(&server.house.path("work/film.mp4"));
        window.drop_file(&server.house.path("work/slides.odp"));
        window.wait_for("film.mp4");
        std::thread::sleep(std::time::Duration::from_secs(3));
        self.take(&window, "transfers");
        server.house.write("notes.txt", b"another text");
        window.drop_file(&server.house.path("work/notes.txt"));
        // Two run at once: the question comes when one of them is done.
        window.wait_for(self.say("Keep both", "两者都保留"));
        self.take(&window, "conflict");
        window.click(self.say("Skip", "跳过"));
        window.wait_for(self.say("skipped", "已跳过"));
        window.click(self.say("Certificate", "证书"));
        window.wait_for(self.say("Copy fingerprint", "复制指纹"));
        self.take(&window, "trust");
        window.click(self.say("The wire", "线路上"));
        window.wait_for("TLS 1.3");
        window.click(self.say("First", "最早"));
        window.wait_for("ClientHello");
        self.take(&window, "wire-tls");
        window.click(self.say("Log", "日志"));
        window.wait_for(self.say("handshake: TLS 1.3", "握手：TLS 1.3"));
        self.take(&window, "log");
    }

    fn plain(&self) {
        let server = Self::server(&["--plain"]);
        let port = server.address.port();
        let window = self.desk.open(&server.house, port, "plain", self.looks);
        self.log_in(&window);
        window.click(self.say("The wire", "线路上"));
        let password = self.say("password, readable", "密码，可读");
        window.click(password);
        window.wait_for(self.say("password, readable: ", "密码，可读："));
        self.take(&window, "wire-plain");
    }

    /// The certificate of a server that another CA vouches for.
    fn untrusted(&self) {
        let server = TestServer::start(&[
            "--client-auth",
            "none",
            "--cert",
            "foreign/server.crt",
            "--key",
            "foreign/server.key",
        ]);
        let port = server.address.port();
        let window = self.desk.open(&server.house, port, "tls", self.looks);
        window.write(self.say("User", "用户"), "alice");
        window.write(self.say("Password", "密码"), crate::support::PASSWORD);
        window.click(self.say("Log in", "登录"));
        window.wait_for(self.say("The connection was stopped", "连接已中止"));
        self.take(&window, "untrusted");
    }
}
