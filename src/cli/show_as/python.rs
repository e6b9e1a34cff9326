//! The settings as a whole client in Python's standard library.

use std::fmt::Write as _;

use super::quote::{ciphers, comment, groups, literal, path, version};
use super::{Shown, ShownTls};
use crate::cli::secret::Secret;
use crate::lang::Lang;

/// The pin is over a part of the certificate that Python does not give: three steps into its DER.
const PIN: &str = include_str!("pin.py");

/// A script.
pub(super) fn script(shown: &Shown, lang: Lang) -> String {
    let mut text = "#!/usr/bin/env python3\n".to_owned();
    text += &comment(lang.pick(
        "the same connection in Python's standard library (3.7 or newer): handshake, hello, login, list",
        "用 Python 标准库（3.7 或更新）建立同样的连接：握手、hello、登录、列表",
    ));
    let pin = shown.tls.as_ref().and_then(|tls| tls.pin.as_ref());
    let more = match (pin.is_some(), shown.user.is_some()) {
        (true, true) => "base64, getpass, hashlib, ",
        (true, false) => "base64, hashlib, ",
        (false, true) => "getpass, ",
        (false, false) => "",
    };
    let _infallible = writeln!(text, "import {more}json, os, socket, ssl, struct\n");
    if pin.is_some() {
        text += PIN;
        text += "\n";
    }
    text += &connection(shown, lang);
    text += "stream = server.makefile(\"rwb\")\n\n\ndef ask(request):\n    \
             frame = json.dumps(request).encode()\n    \
             stream.write(struct.pack(\">I\", len(frame)) + frame)\n    stream.flush()\n    \
             (length,) = struct.unpack(\">I\", stream.read(4))\n    \
             reply = json.loads(stream.read(length))\n    if not reply[\"ok\"]:\n        \
             raise SystemExit(reply[\"message\"])\n    return reply\n\n\n";
    text += &comment(lang.pick(
        "only this reply says that the server let us in: in TLS 1.3 it judges a client certificate after the\n\
         client's handshake is done",
        "收到这个应答才说明服务器接纳了我们：在 TLS 1.3 中，服务器在客户端握手完成之后才判断客户端证书",
    ));
    text += "print(ask({\"op\": \"hello\", \"version\": 1, \"agent\": \"python\"}))\n";
    text += &login(shown);
    text += "for file in ask({\"op\": \"list\", \"prefix\": \"\", \"after\": \"\", \"limit\": 500})[\"files\"]:\n    \
             print(file[\"size\"], file[\"name\"])\nask({\"op\": \"quit\"})\n";
    text
}

/// The lines that make `server`.
fn connection(shown: &Shown, lang: Lang) -> String {
    let mut text = String::new();
    let seconds = shown.timeout.as_secs().max(1);
    let place = format!("({}, {})", literal(&shown.host), shown.port);
    let tcp = format!("socket.create_connection({place}, timeout={seconds})");
    let Some(tls) = &shown.tls else {
        text += &comment(lang.pick(
            "plain TCP: anyone on the way reads the password below",
            "明文 TCP：途中任何人都能读到下面的口令",
        ));
        let _infallible = writeln!(text, "server = {tcp}");
        return text;
    };
    context(&mut text, tls, lang);
    let name = literal(&shown.name);
    let _infallible = writeln!(
        text,
        "tcp = {tcp}\nserver = context.wrap_socket(tcp, server_hostname={name})"
    );
    text += "print(server.version(), server.cipher()[0], server.selected_alpn_protocol())\n";
    if let Some(pin) = &tls.pin {
        let refuse = "    raise SystemExit(\"the public key is not the pinned one\")";
        let pin = literal(pin);
        let _infallible = writeln!(text, "if pin(server.getpeercert(True)) != {pin}:\n{refuse}");
    }
    text
}

fn login(shown: &Shown) -> String {
    let Some(user) = &shown.user else {
        return "print(ask({\"op\": \"login\"}))\n".to_owned();
    };
    let password = match &shown.password {
        Secret::Prompt => "getpass.getpass()".to_owned(),
        other => secret(other),
    };
    format!(
        "print(ask({{\"op\": \"login\", \"user\": {}, \"password\": {password}}}))\n",
        literal(user)
    )
}

fn secret(source: &Secret) -> String {
    match source {
        Secret::Prompt => "None".to_owned(),
        Secret::Env(name) => format!("os.environ[{}]", literal(name)),
        Secret::File(file) => format!(
            "open({}).readline().rstrip(\"\\r\\n\")",
            literal(&path(file))
        ),
    }
}

fn context(text: &mut String, tls: &ShownTls, lang: Lang) {
    let mut lines = trust(tls, lang);
    let field = |v| format!("ssl.TLSVersion.TLSv{}", version(v, '_'));
    lines.push(format!(
        "context.minimum_version = {}",
        field(tls.policy.min)
    ));
    lines.push(format!(
        "context.maximum_version = {}",
        field(tls.policy.max)
    ));
    lines.push("context.set_alpn_protocols([\"sealpost/1\"])".into());
    if let Some((cert, key)) = &tls.own {
        let (cert, key) = (literal(&path(cert)), literal(&path(key)));
        // None: OpenSSL asks for it when the key has one.
        let pass = secret(tls.pass.as_ref().unwrap_or(&Secret::Prompt));
        lines.push(format!(
            "context.load_cert_chain({cert}, {key}, password={pass})"
        ));
    }
    lines.extend(choices(tls, lang));
    if let Some(file) = &tls.policy.keylog {
        lines.push(format!(
            "context.keylog_filename = {}",
            literal(&path(file))
        ));
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}

/// Whom the script believes.
fn trust(tls: &ShownTls, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match &tls.ca {
        Some(_) if tls.insecure => "context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)".into(),
        Some(ca) => format!(
            "context = ssl.create_default_context(cafile={})",
            literal(&path(ca))
        ),
        None => {
            let remark = lang.pick("the CAs of this system", "本机系统所带的 CA");
            format!("context = ssl.create_default_context()  # {remark}")
        }
    });
    if tls.insecure {
        let remark = lang.pick(
            "INSECURE: whoever is on the way can read and change everything",
            "不安全：途中任何人都能读取和修改一切",
        );
        lines.push("context.check_hostname = False".into());
        lines.push(format!("context.verify_mode = ssl.CERT_NONE  # {remark}"));
        return lines;
    }
    for list in &tls.lists {
        let list = literal(&path(list));
        lines.push(format!("context.load_verify_locations({list})"));
    }
    if !tls.lists.is_empty() {
        lines.push("context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN".into());
    }
    lines
}

/// Cipher suites and groups, as far as Python lets them be chosen.
fn choices(tls: &ShownTls, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    let (older, newer) = ciphers(&tls.policy);
    if !older.is_empty() {
        lines.push(format!(
            "context.set_ciphers({})",
            literal(&older.join(":"))
        ));
    }
    if !newer.is_empty() {
        let remark = lang.pick(
            "before Python 3.15 the suites of TLS 1.3 cannot be chosen:",
            "Python 3.15 之前无法选择 TLS 1.3 的密码套件：",
        );
        lines.push(format!("# {remark} {}", newer.join(" ")));
    }
    match groups(&tls.policy).as_slice() {
        [] => {}
        [one] if ["P-256", "P-384", "X25519"].contains(&one.as_str()) => {
            let curve = one
                .replace("P-256", "prime256v1")
                .replace("P-384", "secp384r1");
            lines.push(format!("context.set_ecdh_curve({})", literal(&curve)));
        }
        many => {
            let remark = lang.pick(
                "before Python 3.15 groups cannot be listed:",
                "Python 3.15 之前无法列出密钥交换组：",
            );
            lines.push(format!("# {remark} {}", many.join(" ")));
        }
    }
    lines
}
