//! What a server's refusals mean and what to do about them, in words.

use crate::protocol::Code;

/// What a refusal means, in Simplified Chinese: servers speak English.
pub(super) fn meaning_zh(code: Code) -> &'static str {
    match code {
        Code::BadRequest => "服务器认为请求不合规则",
        Code::UnsupportedVersion => "服务器不支持此协议版本",
        Code::LoginRequired => "需要先登录",
        Code::LoginFailed => "登录失败",
        Code::RegisterClosed => "此服务器不开放注册",
        Code::NameTaken => "该名称已被占用",
        Code::Forbidden => "不允许这样做",
        Code::NotFound => "没有这个文件",
        Code::Exists => "同名文件已存在",
        Code::TooLarge => "文件太大",
        Code::QuotaExceeded => "配额已用完",
        Code::NoSpace => "服务器磁盘已满",
        Code::ChecksumMismatch => "收到的字节与摘要不符",
        Code::Busy => "服务器正忙",
        Code::RateLimited => "登录失败次数过多，请稍候",
        Code::Timeout => "等待超时",
        Code::ShuttingDown => "服务器正在停止",
        Code::Internal | Code::Unknown => "服务器内部出错",
    }
}

/// What somebody who was refused can do, in both languages.
pub(super) fn next_step(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::BadRequest => (
            "names have no .., no backslash, no control characters; passwords are 8 to 1,024 bytes",
            "名称不能含 ..、反斜杠或控制字符；密码为 8 到 1,024 字节",
        ),
        Code::UnsupportedVersion => (
            "use a client of the server's version",
            "请使用与服务器版本相同的客户端",
        ),
        Code::LoginRequired => (
            "log in again; without a client certificate say who you are with --user",
            "请重新登录；没有客户端证书时请用 --user 说明您是谁",
        ),
        Code::LoginFailed => (
            "check --user and --password; `sealpost register --user NAME` makes an account",
            "请检查 --user 和 --password；`sealpost register --user NAME` 可注册账户",
        ),
        Code::RegisterClosed => (
            "ask the operator: `sealpost user add NAME` makes an account",
            "请联系管理员：`sealpost user add NAME` 可添加账户",
        ),
        Code::NameTaken => ("choose another name", "请换一个名称"),
        Code::Forbidden => (
            "only its owner or an admin may do that; `sealpost stat` tells the owner",
            "只有文件的所有者或管理员可以这样做；`sealpost stat` 可查看所有者",
        ),
        Code::NotFound => (
            "`sealpost ls` shows what is there; a folder needs -r",
            "`sealpost ls` 可查看现有文件；文件夹需要 -r",
        ),
        Code::Exists => (
            "choose another name, or replace what is there with --conflict overwrite",
            "请换一个名称，或用 --conflict overwrite 覆盖",
        ),
        Code::TooLarge | Code::QuotaExceeded => (
            "make room with `sealpost rm`, or ask the operator",
            "请用 `sealpost rm` 腾出空间，或联系管理员",
        ),
        Code::NoSpace => (
            "the operator has to make room; nothing of yours was changed",
            "需要管理员腾出空间；您的文件没有任何改动",
        ),
        Code::ChecksumMismatch => (
            "the file changed while it was sent, or the bytes were altered on the way; try again",
            "文件在发送时被修改，或字节在途中被改动；请重试",
        ),
        Code::Busy | Code::RateLimited | Code::Timeout => {
            ("wait a moment and try again", "请稍候再试")
        }
        Code::ShuttingDown => ("try again when the server is back", "请等服务器恢复后再试"),
        Code::Internal | Code::Unknown => (
            "give the connection id to the operator",
            "请把连接编号告诉管理员",
        ),
    }
}
