//! `README.txt`: what the folder holds, and how to check every claim.

use std::fmt::Write as _;

use super::proof::proof;
use super::table::title;
use super::tampering;
use crate::lab::compare::facts::{Report, Run};
use crate::lang::Lang;
use crate::text::{escape, size};

/// Columns of the files' names.
const NAME_COLUMNS: usize = 25;

/// The whole text.
pub fn text(report: &Report, lang: Lang) -> String {
    let mut text = String::new();
    let _infallible = write(&mut text, report, lang);
    text
}

fn write(out: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    writeln!(
        out,
        "{}",
        lang.pick(
            "The same transfer, plain and sealed: what a stranger on the wire learns",
            "同一次传输，明文与密封：线路上的陌生人能得知什么"
        )
    )?;
    let (version, made) = (report.sealpost, &report.made);
    writeln!(
        out,
        "{}",
        lang.pick(
            format!("sealpost {version} lab compare, {made}\n"),
            format!("sealpost {version} lab compare，{made}\n")
        )
    )?;
    let [user, password, worthless, file] = lang.pick(
        [
            "user      ",
            "password  ",
            "made for this, it opens nothing any more",
            "file      ",
        ],
        [
            "用户  ",
            "密码  ",
            "专为本次生成，已打不开任何东西",
            "文件  ",
        ],
    );
    writeln!(out, "{user}{}", escape(&report.user))?;
    writeln!(out, "{password}{}  ({worthless})", escape(&report.password))?;
    writeln!(
        out,
        "{file}{}, {}, sha256 {}",
        escape(&report.file.name),
        size(report.file.bytes),
        report.file.sha256
    )?;
    files(out, report, lang)?;
    claims(out, report, lang)
}

fn files(out: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    writeln!(out, "\n{}\n", lang.pick("FILES", "文件清单"))?;
    let mut file = |name: &str, what: &str| writeln!(out, "  {name:<NAME_COLUMNS$} {what}");
    file(
        "report.html",
        lang.pick(
            "read this first; it needs no network and no script",
            "请先看它；不需要网络，也不需要脚本",
        ),
    )?;
    file("report.json", lang.pick("every figure", "所有数据（英文）"))?;
    file(
        "sealpost.lua",
        lang.pick(
            "Sealpost's protocol for Wireshark; its first lines say how to use it",
            "供 Wireshark 解析 Sealpost 协议；开头几行说明用法",
        ),
    )?;
    for run in &report.runs {
        for (name, what) in of_run(run, lang) {
            file(&name, &what)?;
        }
    }
    Ok(())
}

/// The files of a run, and what is in them.
fn of_run(run: &Run, lang: Lang) -> Vec<(String, String)> {
    let title = title(run.kind);
    let mut files = vec![(
        run.capture.clone(),
        lang.pick(
            format!("{}: what a stranger has", title.en),
            format!("{}：陌生人所得到的", title.zh),
        ),
    )];
    let kernel = run.kernel.as_ref();
    if let Some(capture) = kernel.and_then(|kernel| kernel.capture.as_ref()) {
        let seen = lang.pick(
            "the same run as the kernel saw it, between client and relay",
            "同一次运行，由内核在客户端与中继之间捕获",
        );
        files.push((capture.clone(), seen.to_owned()));
        if run.connection.tls.is_some() {
            let how = format!("tshark -o tls.keylog_file:{}.keys -r …", run.kind.word());
            let opened = lang.pick(
                format!("(the keys open it too: {how})"),
                format!("（有密钥同样可以解密：{how}）"),
            );
            files.push((String::new(), opened));
        }
    }
    if run.connection.tls.is_some() {
        let opened = lang.pick(
            "the same with its keys: Wireshark decrypts it at once",
            "同上并附密钥：Wireshark 直接解密",
        );
        files.push((run.with_keys(), opened.to_owned()));
        let keys = lang.pick("the keys alone", "仅密钥");
        files.push((format!("{}.keys", run.kind.word()), keys.to_owned()));
    }
    files
}

fn claims(out: &mut String, report: &Report, lang: Lang) -> std::fmt::Result {
    let [observed, heading, how, prints_nothing, frame_label] = lang.pick(
        [
            "The payload bytes, their order and their times were observed by a relay between client and server;\nthe IP and TCP headers around them are reconstructed. Times are of one run on one machine.",
            "CLAIMS, AND THE COMMAND THAT PROVES EACH",
            "(a POSIX shell in this folder; tshark comes with Wireshark)",
            "(prints nothing)",
            ", frame ",
        ],
        [
            "载荷字节、顺序和时间由客户端与服务器之间的中继记录；\n外层的 IP 和 TCP 头是重建的。时间取自一台机器上的一次运行。",
            "结论，以及证明每条结论的命令",
            "（在本文件夹的 POSIX shell 中运行；tshark 随 Wireshark 安装）",
            "（没有输出）",
            "，帧 ",
        ],
    );
    writeln!(out, "\n{observed}")?;
    for line in proof(report).into_iter().chain(tampering::lines(report)) {
        writeln!(out, "{}", line.of(lang))?;
    }
    writeln!(out, "\n{heading}\n{how}\n")?;
    for (number, claim) in report.claims.iter().enumerate() {
        let frame = claim
            .frame
            .map_or_else(String::new, |frame| format!("{frame_label}{frame}"));
        writeln!(
            out,
            "{}. [{}{frame}] {}",
            number + 1,
            claim.run.word(),
            escape(claim.what.of(lang))
        )?;
        writeln!(out, "   $ {}", claim.command)?;
        match claim.output.as_str() {
            "" => writeln!(out, "   {prints_nothing}\n")?,
            output => writeln!(out, "   {}\n", output.replace('\n', "\n   "))?,
        }
    }
    Ok(())
}
