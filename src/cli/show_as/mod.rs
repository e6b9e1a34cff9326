//! `sealpost show-as`: the current settings as a working command or script for another tool.
//!
//! Each tool has a pure function from the settings to text. What a tool cannot do is said in a comment of
//! its own, so that nobody takes the two for equal where they are not.

mod curl;
mod nginx;
mod openssl;
mod python;
mod quote;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::connect::ConnectOptions;
use super::output::Output;
use super::secret::Secret;
use super::serve::ServeCommand;
use crate::error::{Error, Kind, Result};
use crate::transport::{Policy, ServerTls};

/// `sealpost show-as`
#[derive(Debug, Args)]
pub(crate) struct ShowAsCommand {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// A whole client in Python's standard library: handshake, login, list
    Python(Box<ConnectOptions>),
    /// A command that shakes hands with the TLS port
    Curl(Box<ConnectOptions>),
    /// An s_client command that shakes hands and speaks the protocol's frames
    Openssl(Box<ConnectOptions>),
    /// A configuration that ends TLS as `sealpost serve` with these options does
    Nginx(Box<ServeCommand>),
}

/// What a client connects with.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The name the server's certificate must have.
    pub(crate) name: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Secret,
    pub(crate) timeout: Duration,
    /// `None` is plain.
    pub(crate) tls: Option<ShownTls>,
}

/// What TLS is told.
#[derive(Clone, Debug)]
pub(crate) struct ShownTls {
    /// `None` is the CAs of the public web.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) own: Option<(PathBuf, PathBuf)>,
    /// Whether the file of the own certificate holds intermediate CAs too.
    pub(crate) has_chain: bool,
    pub(crate) pass: Option<Secret>,
    pub(crate) lists: Vec<PathBuf>,
    pub(crate) insecure: bool,
    pub(crate) pin: Option<String>,
    pub(crate) policy: Policy,
}

/// What nginx is told: what `serve` would be.
#[derive(Clone, Debug)]
pub(crate) struct ShownServer {
    pub(crate) listen: String,
    pub(crate) tls: ServerTls,
    pub(crate) pass: Option<Secret>,
}

impl ShowAsCommand {
    /// Prints it.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let lang = output.lang;
        let (tool, text) = match self.tool {
            Tool::Python(options) => ("python", python::script(&options.shown()?, lang)),
            Tool::Curl(options) => ("curl", curl::script(&sealed(&options)?, lang)),
            Tool::Openssl(options) => ("openssl", openssl::script(&sealed(&options)?, lang)),
            Tool::Nginx(options) => ("nginx", nginx::config(&options.shown()?, lang)),
        };
        match output.json {
            true => output.json(&json!({ "tool": tool, "text": text })),
            false => output.line(text.trim_end()),
        }
        Ok(())
    }
}

/// The settings of a client that speaks TLS; the others have nothing to show of plain TCP.
fn sealed(options: &ConnectOptions) -> Result<Shown> {
    let shown = options.shown()?;
    match shown.tls {
        Some(_) => Ok(shown),
        None => Err(
            Error::new(Kind::Usage, "plain TCP has no TLS settings to show")
                .hint("leave --plain out, or try `sealpost show-as python --plain`")
                .zh(
                    "明文 TCP 没有可展示的 TLS 设置",
                    "去掉 --plain，或试试 `sealpost show-as python --plain`",
                ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use crate::transport::TlsVersion;

    fn shown() -> Shown {
        Shown {
            host: "127.0.0.1".into(),
            port: 9999,
            name: "localhost".into(),
            user: Some("o'hara".into()),
            password: Secret::Env("PW".into()),
            timeout: Duration::from_secs(10),
            tls: Some(ShownTls {
                ca: Some("/c a/ca.crt".into()),
                own: Some(("/c/alice.crt".into(), "/c/alice.key".into())),
                has_chain: false,
                pass: None,
                lists: vec!["/c/crl.pem".into()],
                insecure: false,
                pin: None,
                policy: Policy {
                    min: TlsVersion::V1_3,
                    curves: vec!["X25519".into()],
                    ..Policy::default()
                },
            }),
        }
    }

    #[test]
    fn what_stands_in_a_script_is_quoted_and_the_words_alone_change_with_the_language() {
        for render in [openssl::script, curl::script, python::script] {
            let [en, zh] = [Lang::English, Lang::Chinese].map(|lang| render(&shown(), lang));
            assert_ne!(en, zh);
            let code = |text: &str| {
                let lines = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with('#'));
                let lines = lines.map(|line| line.split("  #").next().unwrap_or_default());
                lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(code(&en), code(&zh));
            assert!(
                en.contains("/c a/ca.crt'") || en.contains("\"/c a/ca.crt\""),
                "{en}"
            );
            assert!(!en.contains("TLSv1_2") && !en.contains("-tls1_2"), "{en}");
        }
    }

    #[test]
    fn an_insecure_client_is_shown_as_one() {
        let mut shown = shown();
        if let Some(tls) = &mut shown.tls {
            tls.insecure = true;
        }
        assert!(curl::script(&shown, Lang::English).contains("--insecure"));
        assert!(!openssl::script(&shown, Lang::English).contains("-verify_return_error"));
        assert!(python::script(&shown, Lang::English).contains("ssl.CERT_NONE"));
    }
}
