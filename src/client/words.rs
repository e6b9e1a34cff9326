//! What a server's refusal means, in Chinese: the server says it in English.

use crate::protocol::Code;

/// What is wrong, and what to do next.
pub(super) fn chinese(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::BadRequest => (
            "服务器无法理解该请求",
            "名称不能有 ..、反斜杠或控制字符；密码为 8 到 1,024 字节",
        ),
        Code::UnsupportedVersion => ("服务器不支持此版本", "请使用与服务器版本相同的客户端"),
        Code::LoginRequired => ("需要先登录", "请用用户名和密码登录"),
        Code::LoginFailed => ("登录失败", "请检查用户名和密码；没有账户可以先注册"),
        Code::RegisterClosed => (
            "服务器不开放注册",
            "请让管理员用 `sealpost user add NAME` 创建账户",
        ),
        Code::NameTaken => ("该名称已被使用", "请换一个名称"),
        Code::Forbidden => ("没有权限", "只有所有者或管理员可以这样做"),
        Code::NotFound => ("没有这个文件", "请刷新列表，看看服务器上有什么"),
        Code::Exists => ("服务器上已有同名文件", "请换一个名称，或覆盖原有文件"),
        Code::TooLarge => ("文件太大", "请联系管理员，或分成较小的文件"),
        Code::QuotaExceeded => ("超出您的配额", "请删除一些文件，或联系管理员"),
        Code::NoSpace => ("服务器磁盘已满", "需要管理员腾出空间；您的文件没有改变"),
        Code::ChecksumMismatch => (
            "服务器收到的内容与摘要不符",
            "文件在发送时被改动，或内容在途中被改动；请重试",
        ),
        Code::Busy => ("服务器繁忙", "请稍候重试"),
        Code::RateLimited => ("尝试次数过多", "请稍候重试"),
        Code::Timeout => ("服务器等待超时", "请稍候重试"),
        Code::ShuttingDown => ("服务器正在停止", "请在服务器恢复后重试"),
        Code::Internal | Code::Unknown => ("服务器内部错误", "请把连接编号告诉管理员"),
    }
}
