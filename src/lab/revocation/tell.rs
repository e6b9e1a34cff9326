//! The story in words.

use super::{Fared, Finding, Forget};

/// The finding as lines.
pub fn tell(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    for run in &finding.runs {
        lines.push(format!("{}, milliseconds from the revocation", run.version));
        for event in &run.events {
            let said = match event.said.as_str() {
                "" => String::new(),
                said => format!(" ({said})"),
            };
            lines.push(format!(
                "  {:>8.1}  {:<9} {}{said}",
                event.at_ms, event.who, event.what
            ));
        }
        lines.push("  the audit trail of the server".to_owned());
        lines.extend(run.audit.iter().map(|line| format!("            {line}")));
        let sign = match (run.fared == run.expected, run.fared.is_safe()) {
            (true, true) => "ok  ",
            // What was forgotten left it open, as it should in this lesson.
            (true, false) => "HOLE",
            (false, _) => "FAIL",
        };
        lines.push(format!("  {sign} {}", verdict(run.fared)));
        lines.push(String::new());
    }
    lines.extend(
        finding
            .forgotten
            .map(|forgotten| lesson(forgotten).to_owned()),
    );
    lines
}

fn verdict(fared: Fared) -> String {
    let word = |open| if open { "OPEN" } else { "shut" };
    format!(
        "for the revoked certificate: open session {}, new handshake {}, old ticket {}",
        word(fared.session_lives),
        word(fared.handshake_accepted),
        word(fared.ticket_accepted)
    )
}

fn lesson(forgotten: Forget) -> &'static str {
    match forgotten {
        Forget::Crl => {
            "without the list nobody but the CA knows: write it with `sealpost pki revoke` or `pki crl`, and carry it to the server"
        }
        Forget::Reload => {
            "a list on the disk of the server does nothing until it is read: SIGHUP, or `serve --watch`"
        }
        Forget::Sessions => {
            "TLS checks a certificate once, in the handshake: who is in stays in, until the server looks again (Sealpost does, with every reload)"
        }
        Forget::Tickets => {
            "resuming skips the certificate and the list: sessions remembered from before must be dropped (Sealpost does, with every reload)"
        }
    }
}
