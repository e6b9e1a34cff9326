//! The settings as `openssl s_client`.

use std::net::IpAddr;

use super::quote::{ciphers, comment, groups, host, literal, path, shell, version};
use super::{Shown, ShownTls};
use crate::cli::secret::Secret;
use crate::lang::Lang;

/// A shell script: one `openssl s_client`, and the frames it is fed.
pub(super) fn script(shown: &Shown, lang: Lang) -> String {
    let mut text = "#!/bin/sh\n".to_owned();
    text += &comment(lang.pick(
        "the same connection with openssl: it shakes hands and checks the server as sealpost would\n\
         without the lines that write frames (and without -quiet) it is a bare handshake, told in full",
        "用 openssl 建立同样的连接：像 sealpost 一样握手并检查服务器\n\
         去掉写帧的几行（以及 -quiet）就是单纯的握手，并显示全部细节",
    ));
    if let Some(tls) = &shown.tls {
        text += &comment(&remarks(tls, lang));
    }
    text += &comment(lang.pick(
        "a frame is the length of its JSON in four bytes, the highest first, then the JSON; every request\n\
         and every reply is one",
        "一帧由四个字节的长度（高位在前）和 JSON 组成；每个请求、每个应答都是一帧",
    ));
    text += "LC_ALL=C\nframe() {\n    printf '\\000\\000'\n    \
             printf \"$(printf '\\\\%03o\\\\%03o' $((${#1} / 256)) $((${#1} % 256)))\"\n    \
             printf '%s' \"$1\"\n}\n";
    if shown.user.is_some() {
        text += &password(&shown.password);
    }
    text += "{\n    frame '{\"op\":\"hello\",\"version\":1,\"agent\":\"openssl\"}'\n    sleep 1\n";
    text += &login(shown);
    text += "    sleep 1\n    frame '{\"op\":\"list\",\"prefix\":\"\",\"after\":\"\",\"limit\":100}'\n    \
             frame '{\"op\":\"quit\"}'\n    sleep 1\n} | openssl s_client -quiet";
    for option in shown.tls.iter().flat_map(|tls| options(shown, tls)) {
        text += " \\\n    ";
        text += &option;
    }
    text + "\n"
}

fn login(shown: &Shown) -> String {
    match &shown.user {
        None => "    frame '{\"op\":\"login\"}'\n".to_owned(),
        Some(user) => {
            let begins = format!(
                "{{\"op\":\"login\",\"user\":{},\"password\":\"",
                literal(user)
            );
            format!("    frame {}\"$PASSWORD\"'\"}}'\n", shell(&begins))
        }
    }
}

/// The password in a variable, with what JSON wants escaped.
fn password(source: &Secret) -> String {
    let read = match source {
        Secret::Prompt => {
            "printf 'password: ' >&2; stty -echo; IFS= read -r PASSWORD; stty echo; echo >&2\n"
                .to_owned()
        }
        Secret::Env(name) => format!("PASSWORD=\"${{{name}:?}}\"\n"),
        Secret::File(file) => format!("PASSWORD=$(head -n 1 {})\n", shell(&path(file))),
    };
    format!("{read}PASSWORD=$(printf '%s' \"$PASSWORD\" | sed 's/[\\\\\"]/\\\\&/g')\n")
}

fn remarks(tls: &ShownTls, lang: Lang) -> String {
    let mut says = Vec::new();
    if tls.pin.is_some() {
        says.push(lang.pick(
            "not shown: --pinnedpubkey, which s_client does not know",
            "未体现：--pinnedpubkey，s_client 没有对应选项",
        ));
    }
    if tls.lists.len() > 1 {
        says.push(lang.pick(
            "s_client takes one revocation list with -CRL: the others are left out",
            "s_client 的 -CRL 只接受一个吊销列表：其余的已略去",
        ));
    }
    if tls.ca.is_none() {
        says.push(lang.pick(
            "the CAs of the public web are here those of this system",
            "公共 CA 在这里指本机系统所带的 CA",
        ));
    }
    if groups(&tls.policy)
        .iter()
        .any(|group| group == "X25519MLKEM768")
    {
        says.push(lang.pick(
            "X25519MLKEM768 needs OpenSSL 3.5",
            "X25519MLKEM768 需要 OpenSSL 3.5",
        ));
    }
    says.join("\n")
}

fn options(shown: &Shown, tls: &ShownTls) -> Vec<String> {
    let mut options = vec![format!(
        "-connect {}",
        shell(&format!("{}:{}", host(&shown.host), shown.port))
    )];
    let mut add = |name: &str, value: &str| options.push(format!("{name} {}", shell(value)));
    let is_address = shown.name.parse::<IpAddr>().is_ok();
    if !is_address {
        add("-servername", &shown.name);
    }
    add("-alpn", "sealpost/1");
    if let Some(ca) = &tls.ca {
        add("-CAfile", &path(ca));
    }
    if let Some((cert, key)) = &tls.own {
        add("-cert", &path(cert));
        if tls.has_chain {
            // s_client reads the first certificate of -cert only.
            add("-cert_chain", &path(cert));
        }
        add("-key", &path(key));
        match &tls.pass {
            Some(Secret::Env(name)) => add("-passin", &format!("env:{name}")),
            Some(Secret::File(file)) => add("-passin", &format!("file:{}", path(file))),
            Some(Secret::Prompt) | None => {}
        }
    }
    if let Some(list) = tls.lists.first() {
        add("-CRL", &path(list));
    }
    add(
        "-min_protocol",
        &format!("TLSv{}", version(tls.policy.min, '.')),
    );
    add(
        "-max_protocol",
        &format!("TLSv{}", version(tls.policy.max, '.')),
    );
    let (older, newer) = ciphers(&tls.policy);
    if !older.is_empty() {
        add("-cipher", &older.join(":"));
    }
    if !newer.is_empty() {
        add("-ciphersuites", &newer.join(":"));
    }
    let groups = groups(&tls.policy);
    if !groups.is_empty() {
        add("-groups", &groups.join(":"));
    }
    if let Some(file) = &tls.policy.keylog {
        add("-keylogfile", &path(file));
    }
    if !tls.insecure {
        let verify = if is_address {
            "-verify_ip"
        } else {
            "-verify_hostname"
        };
        add(verify, &shown.name);
        options.push("-purpose sslserver".to_owned());
        options.push("-verify_return_error".to_owned());
    }
    if is_address {
        options.push("-noservername".to_owned());
    }
    if !tls.lists.is_empty() {
        options.push("-crl_check_all".to_owned());
    }
    options
}
