//! The story as text: one line a step with its time, direction and size, and under it what it says.

use std::fmt::Write as _;

use super::words::title;
use super::{Checks, Ending, Party, Record, Stage, Step, Story, What};
use crate::lang::Lang;
use crate::protocol::Secure;
use crate::text::{escape, time};
use crate::transport::RESUMED;
use crate::transport::tls::facts::{self, Fact};

/// Columns before what is said under a step.
const INDENT: usize = 15;

impl Story {
    /// The whole story for a person, in `lang`; every line ends with a line feed.
    pub fn text(&self, lang: Lang) -> String {
        let mut page = Page {
            lang,
            text: String::new(),
        };
        page.head(self);
        let mut is_sealed = false;
        for step in &self.steps {
            let sealed = step.record.is_some_and(|record| record.sealed);
            if sealed && !is_sealed {
                is_sealed = true;
                page.rule(lang.pick(
                    "from here on encrypted: others see records of these sizes, and nothing in them",
                    "从这里开始加密：旁人只能看到这些记录的大小，看不到内容",
                ));
            }
            page.step(step);
        }
        page.ending(self);
        page.text
    }
}

struct Page {
    lang: Lang,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        let _infallible = writeln!(self.text, "{}", line.trim_end());
    }

    fn rule(&mut self, says: &str) {
        self.line(&format!("{:>INDENT$}--- {says} ---", ""));
    }

    /// A detail under a step: its name padded, and its value.
    fn detail(&mut self, name: &str, value: &str) {
        let width = 20;
        let columns: usize = name.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        let gap = width.max(columns + 1) - columns;
        self.line(&format!("{:>INDENT$}{name}{:gap$}{value}", "", ""));
    }

    fn say(&mut self, value: &str) {
        self.line(&format!("{:>INDENT$}{value}", ""));
    }

    fn head(&mut self, story: &Story) {
        let (host, port) = (escape(&story.host), story.port);
        let kind = match (&story.session, story.tls) {
            (Some(session), _) => format!("{} {}", session.version, session.cipher),
            (None, true) => "TLS".to_owned(),
            (None, false) => self.lang.pick("plain TCP", "明文 TCP").to_owned(),
        };
        self.line(&match self.lang {
            Lang::English => format!(
                "the connection to {host}:{port} as it happened ({kind}), {}",
                time(story.began)
            ),
            Lang::Chinese => format!(
                "与 {host}:{port} 的连接全过程（{kind}），{}",
                time(story.began)
            ),
        });
        self.line(self.lang.pick(
            "  time in ms; → sent, ← received, · done here; bytes of the message, and of the record that carried it",
            "  时间单位为毫秒；→ 发送，← 接收，· 本机处理；字节数先列消息，后列承载它的记录",
        ));
    }

    fn step(&mut self, step: &Step) {
        let arrow = match step.by {
            Party::Client => "→",
            Party::Server => "←",
            Party::Here => "·",
        };
        let size = self.size(step);
        let unread = match step.unread {
            true => self.lang.pick(" (no longer looked at)", "（已不再处理）"),
            false => "",
        };
        let title = title(&step.what, self.lang);
        let at = ms(step.at_us);
        self.line(&format!("{at:>10}  {arrow}  {title}{size}{unread}"));
        if !step.unread {
            self.contents(step);
        }
    }

    fn size(&self, step: &Step) -> String {
        let unit = self.lang.pick("bytes", "字节");
        let message = step.bytes.map(|bytes| format!("  {bytes} {unit}"));
        let record = step.record.map(
            |Record {
                 number,
                 bytes,
                 sealed,
             }| match (self.lang, sealed) {
                (Lang::English, true) => format!(", in encrypted record {number} ({bytes})"),
                (Lang::English, false) => format!(", in record {number} ({bytes})"),
                (Lang::Chinese, true) => format!("，在第 {number} 条加密记录中（{bytes}）"),
                (Lang::Chinese, false) => format!("，在第 {number} 条记录中（{bytes}）"),
            },
        );
        format!(
            "{}{}",
            message.unwrap_or_default(),
            record.unwrap_or_default()
        )
    }

    fn contents(&mut self, step: &Step) {
        let lang = self.lang;
        match &step.what {
            What::Resolved { addresses } => {
                let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                self.say(&all.join(", "));
            }
            What::Tcp { server, client } => self.say(&format!("{client} → {server}")),
            What::ClientHello(hello) => self.facts(facts::client_hello(hello, lang)),
            What::HelloRetryRequest { group } => {
                self.facts(facts::retry(group.as_deref(), lang));
            }
            What::ServerHello(hello) => self.facts(facts::server_hello(hello, lang)),
            What::Keys { stage } => self.keys(*stage),
            What::EncryptedExtensions { alpn } => self.facts([facts::alpn(alpn.as_deref(), lang)]),
            What::Certificate { chain } => self.facts(facts::chain(chain, lang)),
            What::Checks(checks) => self.checks(checks),
            What::ServerKeyExchange {
                group,
                scheme,
                proved,
            } => {
                self.detail(lang.pick("group", "密钥交换组"), group);
                self.proof(scheme, *proved);
            }
            What::CertificateRequest {
                authorities,
                schemes,
            } => self.request(authorities, schemes),
            What::Chosen {
                subject: Some(subject),
            } => self.say(&escape(subject)),
            What::Chosen { subject: None } => self.say(lang.pick(
                "none: there is none to show (--cert and --key name one)",
                "无：没有可出示的证书（用 --cert 和 --key 指定）",
            )),
            What::CertificateVerify { scheme, proved } => self.proof(scheme, *proved),
            What::Finished => self.say(lang.pick(
                "a digest over the whole handshake: nobody on the way has changed it",
                "对整个握手的摘要：途中无人改动",
            )),
            What::NewSessionTicket { lifetime_s } => {
                self.facts([facts::ticket(*lifetime_s, lang)]);
            }
            What::Alert { name: Some(name) } => self.say(name),
            What::Alert { name: None } => {
                self.say(lang.pick("encrypted: its name cannot be read", "已加密：读不到名称"));
            }
            What::Application {
                content_bytes,
                text,
            } => {
                let sealed = step.record.is_some_and(|record| record.sealed);
                self.application(*content_bytes, text.as_deref(), sealed);
            }
            What::NotTls { begins } => self.detail(lang.pick("it begins", "开头是"), begins),
            What::ChangeCipherSpec
            | What::CertificateStatus
            | What::ServerHelloDone
            | What::ClientKeyExchange
            | What::Other { .. }
            | What::Sealed => {}
        }
    }

    fn request(&mut self, authorities: &[String], schemes: &[String]) {
        let lang = self.lang;
        self.say(lang.pick(
            "the server wants to know who this client is",
            "服务器要求客户端证明身份",
        ));
        self.facts(facts::request(authorities, schemes, lang));
    }

    fn facts(&mut self, facts: impl IntoIterator<Item = Fact>) {
        for Fact { name, value } in facts {
            match name {
                "" => self.say(&value),
                name => self.detail(name, &value),
            }
        }
    }

    fn keys(&mut self, stage: Stage) {
        self.say(match stage {
            Stage::Handshake => self.lang.pick(
                "from both key shares; nobody who only listens can do the same",
                "由双方的密钥份额算出；只在旁边听的人算不出来",
            ),
            Stage::Application => self.lang.pick(
                "for everything after the handshake",
                "用于握手之后的一切数据",
            ),
        });
    }

    fn proof(&mut self, scheme: &str, proved: Option<bool>) {
        self.detail(self.lang.pick("signed with", "签名算法"), scheme);
        match proved {
            Some(true) => self.say(self.lang.pick(
                "good: the server holds the private key of its certificate",
                "正确：服务器确实持有其证书的私钥",
            )),
            Some(false) => self.say(self.lang.pick(
                "WRONG: the server does not hold the private key of its certificate",
                "错误：服务器并不持有其证书的私钥",
            )),
            None => {}
        }
    }

    fn checks(&mut self, checks: &Checks) {
        for step in &checks.steps {
            let says = escape(&step.told(self.lang));
            self.detail(step.check.name(self.lang), &says);
        }
        let says = match (checks.good, checks.anyway) {
            (true, _) => self.lang.pick("good", "合格"),
            (false, false) => self.lang.pick("REFUSED", "拒绝"),
            (false, true) => self.lang.pick(
                "WRONG, and accepted all the same: --insecure",
                "不合格，但因 --insecure 仍然接受",
            ),
        };
        let name = escape(&checks.name);
        self.say(&match self.lang {
            Lang::English => format!("as the certificate of {name}: {says}"),
            Lang::Chinese => format!("作为 {name} 的证书：{says}"),
        });
    }

    fn application(&mut self, bytes: Option<u64>, text: Option<&str>, sealed: bool) {
        let (Some(bytes), Some(text)) = (bytes, text) else {
            return;
        };
        let name = match (self.lang, sealed) {
            (Lang::English, true) => format!("inside, {bytes} bytes"),
            (Lang::English, false) => "anyone reads".to_owned(),
            (Lang::Chinese, true) => format!("内含 {bytes} 字节"),
            (Lang::Chinese, false) => "任何人都能读到".to_owned(),
        };
        self.detail(&name, text);
    }

    fn ending(&mut self, story: &Story) {
        let lang = self.lang;
        match &story.ending {
            Ending::Connected { hello, at_us } => {
                let secure = match hello.secure {
                    Secure::Plain => lang.pick("plain", "明文"),
                    Secure::Tls => lang.pick("the server proved", "服务器身份已证实"),
                    Secure::Mtls => lang.pick("both sides proved", "双方身份均已证实"),
                };
                let handshake = story
                    .session
                    .as_ref()
                    .map(|session| match session.handshake {
                        RESUMED => lang.pick("resumed handshake, ", "恢复的握手，"),
                        "full with retry" => {
                            lang.pick("full handshake with retry, ", "带重试的完整握手，")
                        }
                        _ => lang.pick("full handshake, ", "完整握手，"),
                    });
                let handshake = handshake.unwrap_or_default();
                let (agent, id) = (escape(&hello.agent), escape(&hello.id));
                let at = ms(*at_us);
                self.line(&match lang {
                    Lang::English => format!("{at:>10}  ·  only now connected: {handshake}{secure}; {agent}, connection {id}"),
                    Lang::Chinese => format!("{at:>10}  ·  至此才算连接成功：{handshake}{secure}；{agent}，连接编号 {id}"),
                });
            }
            Ending::Failed {
                message,
                cure,
                at_us,
                ..
            } => {
                let at = ms(*at_us);
                let (failed, next) = lang.pick(("failed: ", "next: "), ("失败：", "下一步："));
                let message = escape(lang.pick(&message.en, &message.zh));
                self.line(&format!("{at:>10}  ·  {failed}{message}"));
                let cure = escape(lang.pick(&cure.en, &cure.zh));
                self.say(&format!("{next}{cure}"));
            }
        }
    }
}

/// Microseconds as milliseconds with two digits.
fn ms(us: u64) -> String {
    format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
}
