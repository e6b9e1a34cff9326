//! `README.txt`: what the folder holds, and how to check every claim.

use std::fmt::Write as _;

use super::proof::proof;
use super::table::title;
use super::tampering;
use crate::lab::compare::facts::Report;
use crate::text::{escape, size};

/// The whole text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let _infallible = write(&mut text, report);
    text
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        out,
        "The same transfer, plain and sealed: what a stranger on the wire learns"
    )?;
    writeln!(
        out,
        "sealpost {} lab compare, {}\n",
        report.sealpost, report.made
    )?;
    writeln!(out, "user      {}", escape(&report.user))?;
    writeln!(
        out,
        "password  {}  (made for this, it opens nothing any more)",
        escape(&report.password)
    )?;
    writeln!(
        out,
        "file      {}, {}, sha256 {}",
        escape(&report.file.name),
        size(report.file.bytes),
        report.file.sha256
    )?;
    writeln!(out, "\nFILES\n")?;
    writeln!(
        out,
        "  report.html               read this first; it needs no network and no script"
    )?;
    writeln!(out, "  report.json               every figure")?;
    writeln!(
        out,
        "  sealpost.lua              Sealpost's protocol for Wireshark; its first lines say how to use it"
    )?;
    for run in &report.runs {
        writeln!(
            out,
            "  {:<25} {}: what a stranger has",
            run.capture,
            title(run.kind).en
        )?;
        if let Some(capture) = run
            .kernel
            .as_ref()
            .and_then(|kernel| kernel.capture.as_ref())
        {
            writeln!(
                out,
                "  {capture:<25} the same run as the kernel saw it, between client and relay"
            )?;
        }
        if run.connection.tls.is_some() {
            writeln!(
                out,
                "  {:<25} the same with its keys: Wireshark decrypts it at once",
                run.with_keys()
            )?;
            writeln!(
                out,
                "  {:<25} the keys alone",
                format!("{}.keys", run.kind.word())
            )?;
        }
    }
    claims(out, report)
}

fn claims(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        out,
        "\nThe payload bytes, their order and their times were observed by a relay between client and server;"
    )?;
    writeln!(
        out,
        "the IP and TCP headers around them are reconstructed. Times are of one run on one machine."
    )?;
    for line in proof(report) {
        writeln!(out, "{}", line.en)?;
    }
    for line in tampering::lines(report) {
        writeln!(out, "{}", line.en)?;
    }
    writeln!(out, "\nCLAIMS, AND THE COMMAND THAT PROVES EACH")?;
    writeln!(
        out,
        "(a POSIX shell in this folder; tshark comes with Wireshark)\n"
    )?;
    for (number, claim) in report.claims.iter().enumerate() {
        let frame = claim
            .frame
            .map_or_else(String::new, |frame| format!(", frame {frame}"));
        writeln!(
            out,
            "{}. [{}{frame}] {}",
            number + 1,
            claim.run.word(),
            escape(&claim.what.en)
        )?;
        writeln!(out, "   $ {}", claim.command)?;
        match claim.output.as_str() {
            "" => writeln!(out, "   (prints nothing)\n")?,
            output => writeln!(out, "   {}\n", output.replace('\n', "\n   "))?,
        }
    }
    Ok(())
}
