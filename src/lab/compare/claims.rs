//! What the report claims, each with the `tshark` command that proves it and what that prints.
//!
//! The commands read fields, never summaries, whose wording changes from one Wireshark to the next. They
//! are for a POSIX shell in the folder of the result; the tests run every one of them.

use super::facts::{Claim, Report, Run, RunKind, Text};
use crate::lab::find::{Security, json_form};
use crate::lab::tap::Direction;

/// Every claim of a comparison.
pub(super) fn claims(report: &Report) -> Vec<Claim> {
    let mut claims = Vec::new();
    for run in &report.runs {
        let mut run = Claims {
            report,
            run,
            all: &mut claims,
        };
        run.secrets();
        run.file();
        run.handshake();
        run.agreed();
        run.size();
        run.keys();
        run.dissected();
        run.bytes();
        run.entropy();
        run.kernel();
    }
    claims
}

struct Claims<'a> {
    report: &'a Report,
    run: &'a Run,
    all: &'a mut Vec<Claim>,
}

impl Claims<'_> {
    fn claim(&mut self, frame: Option<u64>, command: String, output: String, what: Text) {
        self.all.push(Claim {
            run: self.run.kind,
            what,
            frame,
            command,
            output,
        });
    }

    /// User, password and file name, in the frame where each stands, or in none.
    fn secrets(&mut self) {
        let what = [
            ("user", &self.report.user, "user name", "用户名"),
            ("password", &self.report.password, "password", "密码"),
            ("file name", &self.report.file.name, "file name", "文件名"),
        ];
        for (label, text, en, zh) in what {
            let found = self.run.secret(label).and_then(|secret| secret.found);
            let command = format!(
                "tshark -r {} -Y {} -T fields -e frame.number | head -n 1",
                self.run.capture,
                contains(text)
            );
            let frame = found.map(|place| place.frame);
            let (said, chinese) = match frame {
                Some(frame) => (
                    format!("The {en} {text} stands readable in frame {frame}."),
                    format!("{zh} {text} 在第 {frame} 帧中明文可读。"),
                ),
                None => (
                    format!("The {en} {text} stands in no frame (the command prints nothing)."),
                    format!("任何一帧中都找不到{zh} {text}（命令没有输出）。"),
                ),
            };
            let output = frame.map_or_else(String::new, |frame| frame.to_string());
            self.claim(
                frame,
                command,
                output,
                Text {
                    en: said,
                    zh: chinese,
                },
            );
        }
    }

    /// A stranger rebuilds the file from the plain capture.
    fn file(&mut self) {
        let Some(begins) = self.run.file_begins else {
            return;
        };
        let command = format!(
            "{} | tail -c +{} | head -c {} | sha256sum",
            stream(&self.run.capture, Direction::ToServer),
            begins.offset + 1,
            self.report.file.bytes
        );
        let output = format!("{}  -", self.report.file.sha256);
        let what = Text {
            en: format!(
                "The whole file can be rebuilt from the packets, from frame {} on; it has the digest of the original.",
                begins.frame
            ),
            zh: format!(
                "从第 {} 帧起，可以由数据包还原出整个文件，其摘要与原文件一致。",
                begins.frame
            ),
        };
        self.claim(Some(begins.frame), command, output, what);
    }

    /// Names and certificates that the handshake shows.
    fn handshake(&mut self) {
        let Some(tls) = &self.run.connection.tls else {
            return;
        };
        let hello = self.run.frame_of("ClientHello");
        let name = tls.visible.server_name.clone().unwrap_or_default();
        let alpn = tls.visible.alpn_offered.join(",");
        let command = format!(
            "tshark -r {} -Y 'tls.handshake.type==1' -T fields -E separator=' ' -e frame.number \
             -e tls.handshake.extensions_server_name -e tls.handshake.extensions_alpn_str",
            self.run.capture
        );
        let what = Text {
            en: format!(
                "The server's name {name} and the protocol {alpn} are readable all the same."
            ),
            zh: format!("服务器名称 {name} 和应用协议 {alpn} 仍然可读。"),
        };
        let output = format!("{} {name} {alpn}", hello.unwrap_or(0));
        self.claim(hello, command, output, what);

        let shown = usize::from(!tls.visible.server_certificates.is_empty())
            + usize::from(!tls.visible.client_certificates.is_empty());
        let command = format!(
            "tshark -r {} -Y 'tls.handshake.type==11' -T fields -e tls.handshake.type | tr ',' '\\n' | grep -c '^11$'",
            self.run.capture
        );
        let subjects: Vec<&str> = [
            &tls.visible.server_certificates,
            &tls.visible.client_certificates,
        ]
        .into_iter()
        .filter_map(|chain| chain.first())
        .map(String::as_str)
        .collect();
        let what = match shown {
            0 => Text {
                en: "No certificate is readable: TLS 1.3 encrypts them.".to_owned(),
                zh: "看不到任何证书：TLS 1.3 对证书加密。".to_owned(),
            },
            _ => Text {
                en: format!("TLS 1.2 shows who is who: {}.", subjects.join("; ")),
                zh: format!("TLS 1.2 暴露双方身份：{}。", subjects.join("；")),
            },
        };
        let frame = (shown > 0)
            .then(|| self.run.frame_of("Certificate"))
            .flatten();
        self.claim(frame, command, shown.to_string(), what);
    }

    /// What the server's answer shows: the suite in both versions, the protocol chosen in TLS 1.2 alone.
    fn agreed(&mut self) {
        let Some(tls) = &self.run.connection.tls else {
            return;
        };
        let hello = self.run.frame_of("ServerHello");
        let shown = format!("tshark -r {} -Y 'tls.handshake.type==2'", self.run.capture);
        let suite = tls.visible.cipher_suite.clone().unwrap_or_default();
        let command = format!("{shown} -O tls | grep -o 'Cipher Suite: [A-Z0-9_]*'");
        let what = Text {
            en: format!("The cipher suite agreed on is readable: {suite}."),
            zh: format!("商定的密码套件可读：{suite}。"),
        };
        self.claim(hello, command, format!("Cipher Suite: {suite}"), what);

        let chosen = tls.visible.alpn_chosen.clone().unwrap_or_default();
        let command = format!("{shown} -T fields -e tls.handshake.extensions_alpn_str");
        let what = match chosen.as_str() {
            "" => Text {
                en: "Which protocol the server chose is not readable: TLS 1.3 encrypts its answer."
                    .to_owned(),
                zh: "看不到服务器选择了哪个协议：TLS 1.3 对该应答加密。".to_owned(),
            },
            chosen => Text {
                en: format!("TLS 1.2 shows which protocol the server chose: {chosen}."),
                zh: format!("TLS 1.2 暴露服务器选择的协议：{chosen}。"),
            },
        };
        self.claim(hello, command, chosen, what);
    }

    /// The size of the file, from lengths alone.
    fn size(&mut self) {
        let Some(size) = self.run.size else { return };
        let [from, to] = size.frames;
        let kind = match self.run.kind.is_tls12() {
            true => "tls.record.content_type",
            false => "tls.record.opaque_type",
        };
        let command = format!(
            "tshark -r {} -Y 'frame.number>={from} && frame.number<={to} && tcp.dstport=={} && {kind}==23' \
             -T fields -e tls.record.length | tr ',' '\\n' | awk '{{s+=$1-{}}} END{{print s-{}}}'",
            self.run.capture,
            self.run.connection.server.port(),
            size.each_bytes,
            size.frame_bytes
        );
        let what = Text {
            en: format!(
                "Without any key the file is guessed to have {} bytes; it has {}.",
                size.estimate, size.truth
            ),
            zh: format!(
                "不用任何密钥即可推算文件有 {} 字节；实际为 {} 字节。",
                size.estimate, size.truth
            ),
        };
        self.claim(Some(from), command, size.estimate.to_string(), what);
    }

    /// Whoever has the keys reads everything.
    fn keys(&mut self) {
        if self.run.connection.security != Security::Tls {
            return;
        }
        let hex = crate::text::hex(self.report.password.as_bytes());
        let command = format!(
            "tshark -r {} -q -z follow,tls,raw,0 | tr -d '\\t\\n' | grep -c {hex}",
            self.run.with_keys()
        );
        let what = Text {
            en: "With the keys embedded the same packets open: the password is there.".to_owned(),
            zh: "嵌入密钥后，同样的数据包即可解密：密码就在其中。".to_owned(),
        };
        let frame = self.run.times.map(|times| times.login_frame);
        self.claim(frame, command, "1".to_owned(), what);
    }

    /// The protocol itself in Wireshark, plain or opened by the keys.
    fn dissected(&mut self) {
        let is_plain = self.run.kind == RunKind::Plain;
        let (capture, filter) = match is_plain {
            true => (self.run.capture.clone(), "sealpost.cleartext_password"),
            false => (self.run.with_keys(), "sealpost.password"),
        };
        let command = format!(
            "tshark -X lua_script:sealpost.lua -r {capture} -Y {filter} -T fields -E separator=' ' \
             -e frame.number -e sealpost.user -e sealpost.password"
        );
        let frame = self.run.times.map(|times| times.login_frame);
        let (user, password) = (&self.report.user, &self.report.password);
        let output = format!("{} {user} {password}", frame.unwrap_or(0));
        let what = Text {
            en: format!("Wireshark with sealpost.lua names user and password in {capture}."),
            zh: format!("装上 sealpost.lua 的 Wireshark 在 {capture} 中直接列出用户名和密码。"),
        };
        self.claim(frame, command, output, what);
    }

    /// How much passed.
    fn bytes(&mut self) {
        let command = format!(
            "tshark -r {} -T fields -e tcp.len | awk '{{s+=$1}} END{{print s}}'",
            self.run.capture
        );
        let bytes = self.run.wire_bytes;
        let what = match (self.run.kind, &self.run.overhead) {
            (RunKind::Plain, _) | (_, None) => Text {
                en: format!("{bytes} bytes passed."),
                zh: format!("共传输 {bytes} 字节。"),
            },
            (_, Some(overhead)) => Text {
                en: format!(
                    "{bytes} bytes passed, {} more than plain ({:.2} %).",
                    overhead.bytes, overhead.percent
                ),
                zh: format!(
                    "共传输 {bytes} 字节，比明文多 {} 字节（{:.2} %）。",
                    overhead.bytes, overhead.percent
                ),
            },
        };
        self.claim(None, command, bytes.to_string(), what);
    }

    /// How much the client's bytes look like noise.
    fn entropy(&mut self) {
        let stream = stream(&self.run.capture, Direction::ToServer);
        let command = format!(
            "{stream} | od -An -v -tu1 | awk '{{for(i=1;i<=NF;i++){{n[$i]++;t++}}}} \
             END{{for(b in n){{p=n[b]/t;h-=p*log(p)/log(2)}};printf \"%.2f\\n\",h}}'"
        );
        let entropy = format!("{:.2}", self.run.connection.to_server.entropy);
        let what = Text {
            en: format!("What the client sent has an entropy of {entropy} bits a byte."),
            zh: format!("客户端所发数据的熵为每字节 {entropy} 比特。"),
        };
        self.claim(None, command, entropy, what);
    }

    /// The tap's streams are the kernel's.
    fn kernel(&mut self) {
        let Some(kernel) = self.run.kernel.clone() else {
            return;
        };
        let Some(capture) = kernel.capture.as_ref().filter(|_| kernel.equal) else {
            return;
        };
        for ((way, proof), what) in kernel.streams().into_iter().zip(kernel.told()) {
            let captures = [capture, &self.run.capture];
            let digests = captures.map(|capture| format!("{} | sha256sum", stream(capture, way)));
            let digest = format!("{}  -", proof.kernel_sha256);
            let output = format!("{digest}\n{digest}");
            self.claim(None, digests.join("; "), output, what);
        }
    }
}

/// A display filter, quoted for the shell. Text that means something to either is given as bytes.
fn contains(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.chars().all(plain) {
        return format!("'tcp contains \"{text}\"'");
    }
    // As JSON writes it: that is how it travels.
    let form = json_form(text);
    let bytes: Vec<String> = form.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("'tcp contains {}'", bytes.join(":"))
}

/// The bytes of one direction, from `tshark`'s raw form: the client's lines stand at the margin, the
/// server's behind a tab.
fn stream(capture: &str, way: Direction) -> String {
    let lines = match way {
        Direction::ToServer => "grep -E '^[0-9a-f]+$'",
        Direction::ToClient => "grep -E '^[[:blank:]][0-9a-f]+$'",
    };
    format!("tshark -r {capture} -q -z follow,tcp,raw,0 | {lines} | tr -d '\\t\\n' | xxd -r -p")
}
