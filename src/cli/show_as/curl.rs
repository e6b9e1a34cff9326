//! The settings as curl, which can shake hands with the port and no more.

use std::fmt::Write as _;

use super::quote::{ciphers, comment, groups, host, path, shell, version};
use super::{Shown, ShownTls};
use crate::cli::secret::Secret;
use crate::lang::Lang;

/// A shell script: one curl command.
pub(super) fn script(shown: &Shown, lang: Lang) -> String {
    let mut text = "#!/bin/sh\n".to_owned();
    text += &comment(lang.pick(
        "the same handshake with curl. curl speaks HTTP, which this port does not: what matters is what --verbose\n\
         tells of TLS. After it the server answers the request with one frame of its own, {\"ok\":false,\n\
         \"code\":\"bad_request\", …}, and hangs up: that answer came through the sealed connection, so curl ends\n\
         with exit code 0; 56 too can follow the answer. 60 is a server that is not believed, 58 an own\n\
         certificate that cannot be used, 35 a handshake that failed; without a client certificate that is\n\
         required TLS 1.3 ends with 56 and the alert \"certificate required\"",
        "用 curl 进行同样的握手。curl 说的是 HTTP，而这个端口不说 HTTP：要看的是 --verbose 对 TLS 的描述。\n\
         握手之后服务器用自己的一帧 {\"ok\":false,\"code\":\"bad_request\", …} 应答并挂断：这个应答是经加密连接\n\
         送达的，所以 curl 的退出码是 0；应答之后也可能是 56。60 表示不信任服务器，58 表示自己的证书不可用，\n\
         35 表示握手失败；服务器要求客户端证书而没有出示时，TLS 1.3 以 56 和警报 \"certificate required\" 结束",
    ));
    let Some(tls) = &shown.tls else {
        return text;
    };
    if tls.ca.is_none() {
        text += &comment(lang.pick(
            "the CAs of the public web are here those of this system",
            "公共 CA 在这里指本机系统所带的 CA",
        ));
    }
    if let Some(file) = &tls.policy.keylog {
        let _infallible = writeln!(text, "export SSLKEYLOGFILE={}", shell(&path(file)));
    }
    text += "curl --verbose --http0.9 --no-alpn --output -";
    for option in options(shown, tls) {
        text += " \\\n    ";
        text += &option;
    }
    let name = host(&shown.name);
    let _infallible = writeln!(
        text,
        " \\\n    {}",
        shell(&format!("https://{name}:{}/", shown.port))
    );
    text
}

fn options(shown: &Shown, tls: &ShownTls) -> Vec<String> {
    let mut options = Vec::new();
    let mut add = |name: &str, value: &str| options.push(format!("{name} {}", shell(value)));
    if shown.name != shown.host {
        let (name, port) = (host(&shown.name), shown.port);
        add(
            "--connect-to",
            &format!("{name}:{port}:{}:{port}", host(&shown.host)),
        );
    }
    if let Some(ca) = &tls.ca {
        add("--cacert", &path(ca));
    }
    if let Some((cert, key)) = &tls.own {
        add("--cert", &path(cert));
        add("--key", &path(key));
        match &tls.pass {
            // Expanded by the shell; curl has no other way than its command line.
            Some(Secret::Env(name)) => options.push(format!("--pass \"${{{name}:?}}\"")),
            Some(Secret::File(file)) => {
                options.push(format!("--pass \"$(head -n 1 {})\"", shell(&path(file))));
            }
            Some(Secret::Prompt) | None => {}
        }
    }
    let mut add = |name: &str, value: &str| options.push(format!("{name} {}", shell(value)));
    for list in &tls.lists {
        add("--crlfile", &path(list));
    }
    if let Some(pin) = &tls.pin {
        add("--pinnedpubkey", pin);
    }
    add("--tls-max", &version(tls.policy.max, '.'));
    let (older, newer) = ciphers(&tls.policy);
    if !older.is_empty() {
        add("--ciphers", &older.join(":"));
    }
    if !newer.is_empty() {
        add("--tls13-ciphers", &newer.join(":"));
    }
    let groups = groups(&tls.policy);
    if !groups.is_empty() {
        add("--curves", &groups.join(":"));
    }
    add(
        "--connect-timeout",
        &shown.timeout.as_secs().max(1).to_string(),
    );
    options.push(format!("--tlsv{}", version(tls.policy.min, '.')));
    if tls.insecure {
        options.push("--insecure".to_owned());
    }
    options
}
