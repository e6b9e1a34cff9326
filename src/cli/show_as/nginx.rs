//! The settings of `sealpost serve` as an nginx that ends TLS in front of a plain Sealpost.

use std::fmt::Write as _;

use super::ShownServer;
use super::quote::{ciphers, comment, groups, literal, path, version};
use crate::cli::secret::Secret;
use crate::lang::Lang;
use crate::transport::{ClientAuth, Resumption, TlsVersion};

/// Where the plain Sealpost behind nginx listens.
const BEHIND: &str = "127.0.0.1:9998";

/// A whole configuration file.
pub(super) fn config(shown: &ShownServer, lang: Lang) -> String {
    let mut text = comment(lang.pick(
        "nginx ends TLS as sealpost serve would, and passes what was inside to a plain Sealpost on loopback:\n\
         \x20   sealpost serve --plain --listen 127.0.0.1:9998\n\
         check it with `nginx -t -c FILE`; it needs the stream module with ssl, nginx 1.21.4 or newer.\n\
         What gets lost: behind nginx every connection is plain, so a client certificate is checked and is no\n\
         login, the audit trail has nginx' address, and clients must be told nothing else",
        "nginx 像 sealpost serve 那样终结 TLS，再把内容转给回环地址上的明文 Sealpost：\n\
         \x20   sealpost serve --plain --listen 127.0.0.1:9998\n\
         用 `nginx -t -c FILE` 检查；需要带 ssl 的 stream 模块，nginx 1.21.4 或更新。\n\
         会失去的：nginx 之后的连接都是明文，客户端证书只被检查而不能用来登录，审计记录里是 nginx 的地址",
    ));
    text += &remarks(shown, lang);
    text += &comment(lang.pick(
        "on Debian: load_module modules/ngx_stream_module.so;",
        "在 Debian 上：load_module modules/ngx_stream_module.so;",
    ));
    text += "events {}\n\nstream {\n    server {\n";
    for (name, value) in directives(shown) {
        let _infallible = writeln!(text, "        {name} {value};");
    }
    text + "    }\n}\n"
}

fn remarks(shown: &ShownServer, lang: Lang) -> String {
    let mut says = String::new();
    if !shown.tls.allow.is_empty() {
        says += &comment(lang.pick(
            "not shown: --allow-cn, --allow-ou, --allow-dns; nginx has only $ssl_client_s_dn for that",
            "未体现：--allow-cn、--allow-ou、--allow-dns；nginx 只有 $ssl_client_s_dn 可用",
        ));
    }
    if shown.tls.revocation_lists.len() > 1 {
        says += &comment(lang.pick(
            "nginx takes one file of revocation lists: `cat` them into one; only the first is named here",
            "nginx 只接受一个吊销列表文件：请用 `cat` 合并；这里只写了第一个",
        ));
    }
    if matches!(shown.pass, Some(Secret::Env(_) | Secret::Prompt)) {
        says += &comment(lang.pick(
            "the key has a passphrase: put it into a file and name it with ssl_password_file",
            "密钥有口令：请写入文件，再用 ssl_password_file 指定",
        ));
    }
    says
}

fn directives(shown: &ShownServer) -> Vec<(&'static str, String)> {
    let tls = &shown.tls;
    let file = |file: &std::path::Path| literal(&path(file));
    let mut all = vec![
        ("listen", format!("{} ssl", shown.listen)),
        ("proxy_pass", BEHIND.to_owned()),
        ("ssl_certificate", file(&tls.certificate)),
        ("ssl_certificate_key", file(&tls.key)),
    ];
    if let Some(Secret::File(secret)) = &shown.pass {
        all.push(("ssl_password_file", file(secret)));
    }
    let versions = [TlsVersion::V1_2, TlsVersion::V1_3];
    let versions = versions
        .into_iter()
        .filter(|v| (tls.policy.min..=tls.policy.max).contains(v));
    let versions: Vec<_> = versions
        .map(|v| format!("TLSv{}", version(v, '.')))
        .collect();
    all.push(("ssl_protocols", versions.join(" ")));
    let (older, newer) = ciphers(&tls.policy);
    // Without a list those that rustls has: forward secrecy and AEAD only.
    let older = match older.is_empty() {
        true => "ECDHE+AESGCM:ECDHE+CHACHA20".to_owned(),
        false => older.join(":"),
    };
    all.push(("ssl_ciphers", older));
    if !newer.is_empty() {
        all.push((
            "ssl_conf_command",
            format!("Ciphersuites {}", newer.join(":")),
        ));
    }
    let groups = groups(&tls.policy);
    if !groups.is_empty() {
        all.push(("ssl_ecdh_curve", groups.join(":")));
    }
    all.push(("ssl_alpn", "sealpost/1".to_owned()));
    let verify = match tls.client_auth {
        ClientAuth::Required => "on",
        ClientAuth::Optional => "optional",
        ClientAuth::None => "off",
    };
    all.push(("ssl_verify_client", verify.to_owned()));
    if tls.client_auth != ClientAuth::None {
        all.push(("ssl_client_certificate", file(&tls.client_ca)));
        all.push(("ssl_verify_depth", "5".to_owned()));
        if let Some(list) = tls.revocation_lists.first() {
            all.push(("ssl_crl", file(list)));
        }
    }
    // A resumed session is not checked again: not against a new revocation list either.
    let (cache, tickets) = match tls.resumption {
        Resumption::Off => ("off", "off"),
        Resumption::Cache => ("shared:sealpost:1m", "off"),
        Resumption::Tickets => ("off", "on"),
    };
    all.push(("ssl_session_cache", cache.to_owned()));
    all.push(("ssl_session_tickets", tickets.to_owned()));
    all.push(("ssl_handshake_timeout", "10s".to_owned()));
    all
}
