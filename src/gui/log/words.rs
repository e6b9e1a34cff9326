//! What events are called in the log.

use super::Tone;
use crate::client::Job;
use crate::gui::engine::told::Told;
use crate::gui::engine::transfers::{Finished, State, Transfer};
use crate::gui::engine::{Connected, Deed, Request, SessionEvent};
use crate::gui::platform::Keys;
use crate::gui::status::{agreed, safety};
use crate::gui::wire::Saved;
use crate::lang::{Both, Lang, both};
use crate::text::size;
use crate::transport::{Story, What};

/// Where to, and how.
pub(super) fn connecting(request: &Request) -> Both {
    let Request { host, port, .. } = request;
    let (en, zh) = match &request.tls {
        None => ("plain TCP", "明文 TCP"),
        Some(tls) if tls.certificate.is_some() => ("mutual TLS", "双向 TLS"),
        Some(_) => ("TLS", "TLS"),
    };
    both(
        format!("connecting to {host}:{port} by {en}"),
        format!("正在通过{zh}连接 {host}:{port}"),
    )
}

/// What a session's event tells.
pub(super) fn session(event: &SessionEvent) -> Vec<(Tone, Both)> {
    let one = |tone, text| vec![(tone, text)];
    match event {
        SessionEvent::Locked(_, Some(told)) => one(Tone::Trouble, told.message.clone()),
        SessionEvent::Locked(key, None) => {
            let key = key.display();
            let (en, zh) = (
                format!("the key {key} needs its passphrase"),
                format!("私钥 {key} 需要口令"),
            );
            one(Tone::Note, both(en, zh))
        }
        SessionEvent::Story(story) => handshake(story),
        SessionEvent::Connected(connected) => one(Tone::Note, logged_in(connected)),
        SessionEvent::Failed(told) => one(
            Tone::Trouble,
            because(&both("not connected", "未连接"), told),
        ),
        SessionEvent::Lost(told) => one(
            Tone::Trouble,
            because(&both("the connection is lost", "连接已断开"), told),
        ),
        SessionEvent::Listing(files) => {
            let count = files.len();
            let en = match count {
                1 => "the list has 1 file now".to_owned(),
                _ => format!("the list has {count} files now"),
            };
            one(Tone::Note, both(en, format!("列表现有 {count} 个文件")))
        }
        // Told by the deed it came of.
        SessionEvent::Target(_) => Vec::new(),
        SessionEvent::Done(deed) => done(deed).map_or_else(Vec::new, |text| one(Tone::Note, text)),
        SessionEvent::Refused(deed, told) => one(Tone::Trouble, because(&not_done(deed), told)),
    }
}

fn handshake(story: &Story) -> Vec<(Tone, Both)> {
    let mut lines = Vec::new();
    let leaf = story.steps.iter().find_map(|step| match &step.what {
        What::Certificate { chain } => chain.first(),
        _ => None,
    });
    if let Some(leaf) = leaf {
        lines.push(both(
            format!("the server shows the certificate of {}", leaf.subject),
            format!("服务器出示证书：{}", leaf.subject),
        ));
    }
    if let Some(session) = &story.session {
        lines.push(both(
            format!("handshake: {}", agreed(session, Lang::English)),
            format!("握手：{}", agreed(session, Lang::Chinese)),
        ));
    }
    let note = |text| (Tone::Note, text);
    lines.into_iter().map(note).collect()
}

fn logged_in(connected: &Connected) -> Both {
    let user = &connected.account.user;
    let safety = safety(connected.hello.secure);
    both(
        format!("logged in as {user}; {}", safety.word.en),
        format!("已登录：{user}；{}", safety.word.zh),
    )
}

fn done(deed: &Deed) -> Option<Both> {
    Some(match deed {
        Deed::Deleted(name) => both(format!("deleted {name}"), format!("已删除 {name}")),
        Deed::Renamed(from, to) => both(
            format!("renamed {from} to {to}"),
            format!("已将 {from} 重命名为 {to}"),
        ),
        Deed::PasswordChanged => both("password changed", "密码已更改"),
        Deed::Listed => return None,
    })
}

fn not_done(deed: &Deed) -> Both {
    match deed {
        Deed::Deleted(name) => both(format!("not deleted: {name}"), format!("未删除：{name}")),
        Deed::Renamed(from, _) => both(format!("not renamed: {from}"), format!("未重命名：{from}")),
        Deed::PasswordChanged => both("password not changed", "密码未更改"),
        Deed::Listed => both("the list was not refreshed", "列表未刷新"),
    }
}

/// What became of a transfer; `None` for what is no news.
pub(super) fn transfer(transfer: &Transfer) -> Option<(Tone, Both)> {
    let name = transfer.job.name();
    let (en, zh) = match transfer.job {
        Job::Upload { .. } => ("upload", "上传"),
        Job::Download { .. } => ("download", "下载"),
    };
    let say = |tone, english: String, chinese: String| {
        let english = format!("{en} of {name}: {english}");
        Some((tone, both(english, format!("{zh} {name}：{chinese}"))))
    };
    match &transfer.state {
        State::Running => say(Tone::Note, "begins".into(), "开始".into()),
        State::Paused => say(Tone::Note, "paused".into(), "已暂停".into()),
        State::Cancelled => say(Tone::Note, "cancelled".into(), "已取消".into()),
        State::Skipped => say(
            Tone::Note,
            "skipped, the name is taken".into(),
            "已跳过，名称已被占用".into(),
        ),
        State::Done(finished) => {
            let text = finished_words(finished);
            say(Tone::Note, text.en, text.zh)
        }
        State::Failed(told) => {
            let text = because(&both("not done", "未完成"), told);
            say(Tone::Trouble, text.en, text.zh)
        }
        State::Asking(_) => say(
            Tone::Note,
            "the name is taken, what is to be done?".into(),
            "名称已被占用，请选择如何处理".into(),
        ),
        _ => None,
    }
}

fn finished_words(finished: &Finished) -> Both {
    let (bytes, digest) = (size(finished.size), &finished.sha256);
    let (en, zh) = match finished.resumed {
        0 => (String::new(), String::new()),
        resumed => {
            let resumed = size(resumed);
            (
                format!(", {resumed} of it were there already"),
                format!("，其中 {resumed} 原已存在"),
            )
        }
    };
    both(
        format!("done, {bytes}{en}, sha256 {digest}"),
        format!("完成，{bytes}{zh}，sha256 {digest}"),
    )
}

/// How saving a capture went.
pub(super) fn saved(saved: &Saved) -> (Tone, Both) {
    let path = saved.path.display();
    match &saved.outcome {
        Ok(recorded) => {
            let packets = recorded.packets;
            let text = match saved.keys {
                Keys::Without => both(
                    format!(
                        "capture saved: {path}, {packets} packets; open it with Wireshark, or say: sealpost capture read {path}"
                    ),
                    format!(
                        "抓包已保存：{path}，{packets} 个数据包；可用 Wireshark 打开，或执行：sealpost capture read {path}"
                    ),
                ),
                Keys::Embedded => both(
                    format!(
                        "capture saved with its keys: {path}, {packets} packets; Wireshark decrypts it, and so does: sealpost capture explain {path}"
                    ),
                    format!(
                        "抓包已连同密钥保存：{path}，{packets} 个数据包；Wireshark 可直接解密，也可执行：sealpost capture explain {path}"
                    ),
                ),
            };
            (Tone::Note, text)
        }
        Err(error) => {
            let told = Told::of(error);
            let what = both("the capture was not saved", "抓包未保存");
            (Tone::Trouble, because(&what, &told))
        }
    }
}

/// What, why, and what to do next.
fn because(what: &Both, told: &Told) -> Both {
    let next = |hint: &str, mark: &str| match hint {
        "" => String::new(),
        hint => format!("{mark}{hint}"),
    };
    both(
        format!(
            "{}: {}{}",
            what.en,
            told.message.en,
            next(&told.hint.en, "; next: ")
        ),
        format!(
            "{}：{}{}",
            what.zh,
            told.message.zh,
            next(&told.hint.zh, "；下一步：")
        ),
    )
}
