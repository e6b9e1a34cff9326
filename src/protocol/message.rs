//! The messages: requests as a strict sum, replies as plain structs.
//!
//! Requests are read strictly (an unknown field, a duplicate key or a missing field is an error), replies
//! leniently, so that a later server can add to them. Names stay text in a [`Request`]: the session parses
//! them, because what a bad name means depends on the operation (a bad user name at login is just a wrong
//! password).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::{Code, FileName, Refusal, Sha256, UserName};

/// Entries in the longest page of a listing, whatever `limit` asks; a page also ends where a frame does.
pub const LIST_LIMIT_MAX: u64 = 1_000;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// First and once.
    Hello {
        /// The protocol version the client speaks.
        version: u64,
        /// Name and version of the client program.
        agent: String,
    },
    /// Makes an account and logs in.
    Register {
        /// The name wished for.
        user: String,
        /// The password.
        password: String,
    },
    /// Logs in; with neither field, by the verified client certificate.
    Login {
        /// Who.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "present"
        )]
        user: Option<String>,
        /// The password.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "present"
        )]
        password: Option<String>,
    },
    /// Changes the own password.
    Passwd {
        /// The password of now.
        old: String,
        /// The password to be.
        new: String,
    },
    /// Asks who is logged in.
    Whoami {},
    /// Says goodbye.
    Quit {},
    /// Asks for a page of the listing.
    List {
        /// The beginning of the names wanted.
        prefix: String,
        /// The last name of the page before.
        after: String,
        /// Entries wanted at most.
        limit: u64,
    },
    /// Asks about one file.
    Stat {
        /// Which.
        name: String,
    },
    /// Asks for the bytes of a file.
    Get {
        /// Which.
        name: String,
        /// From which byte on.
        offset: u64,
    },
    /// Announces an upload.
    Put {
        /// The name wished for.
        name: String,
        /// Bytes of the whole file.
        size: u64,
        /// What to do if the name is taken.
        conflict: Conflict,
    },
    /// Removes a file.
    Delete {
        /// Which.
        name: String,
    },
    /// Gives a file another name.
    Rename {
        /// The name of now.
        from: String,
        /// The name to be.
        to: String,
        /// What to do if the new name is taken: [`Conflict::Error`] or [`Conflict::Overwrite`].
        conflict: Conflict,
    },
}

/// A field that may be absent but, when there, is not null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The operations, each a row of the server's table of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented at the request of its name")]
pub enum Operation {
    Hello,
    Register,
    Login,
    Passwd,
    Whoami,
    Quit,
    List,
    Stat,
    Get,
    Put,
    Delete,
    Rename,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
        Self::Hello,
        Self::Register,
        Self::Login,
        Self::Passwd,
        Self::Whoami,
        Self::Quit,
        Self::List,
        Self::Stat,
        Self::Get,
        Self::Put,
        Self::Delete,
        Self::Rename,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Register => "register",
            Self::Login => "login",
            Self::Passwd => "passwd",
            Self::Whoami => "whoami",
            Self::Quit => "quit",
            Self::List => "list",
            Self::Stat => "stat",
            Self::Get => "get",
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Rename => "rename",
        }
    }
}

impl Request {
    /// Which operation it asks for.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Hello { .. } => Operation::Hello,
            Self::Register { .. } => Operation::Register,
            Self::Login { .. } => Operation::Login,
            Self::Passwd { .. } => Operation::Passwd,
            Self::Whoami {} => Operation::Whoami,
            Self::Quit {} => Operation::Quit,
            Self::List { .. } => Operation::List,
            Self::Stat { .. } => Operation::Stat,
            Self::Get { .. } => Operation::Get,
            Self::Put { .. } => Operation::Put,
            Self::Delete { .. } => Operation::Delete,
            Self::Rename { .. } => Operation::Rename,
        }
    }
}

/// What to do when a name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// Refuse.
    #[default]
    Error,
    /// Replace the file there, once the new one is complete.
    Overwrite,
    /// Choose a free name.
    Rename,
    /// Go on with an interrupted upload; refuse if the file is finished.
    Resume,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secure {
    /// Anyone on the way reads everything.
    Plain,
    /// TLS, the server proved by certificate.
    Tls,
    /// TLS, both sides proved by certificate.
    Mtls,
}

impl Secure {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
        }
    }
}

/// What a connection may log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginMethod {
    /// User and password.
    Password,
    /// The verified client certificate.
    Certificate,
}

/// What a client is told about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
    /// Who uploaded it.
    pub owner: UserName,
    /// When it was uploaded.
    #[serde(with = "rfc3339")]
    pub modified: OffsetDateTime,
}

/// The reply to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloReply {
    /// The version spoken from here on.
    pub version: u64,
    /// Name and version of the server program.
    pub agent: String,
    /// How this connection is protected, as the server sees it.
    pub secure: Secure,
    /// The common name of the verified client certificate.
    pub identity: Option<String>,
    /// What this connection may log in with.
    pub login: Vec<LoginMethod>,
    /// Whether new users may register.
    pub register: bool,
    /// The connection's id in the server's audit trail.
    pub id: String,
}

/// The reply to `register` and `login`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who is logged in.
    pub user: UserName,
    /// `user` or `admin`.
    pub role: String,
}

/// The reply to `whoami`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoamiReply {
    /// Who is logged in.
    pub user: UserName,
    /// `user` or `admin`.
    pub role: String,
    /// The common name of the verified client certificate.
    pub identity: Option<String>,
    /// How the connection is protected.
    pub secure: Secure,
}

/// The reply to `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// The page, ordered by name.
    pub files: Vec<FileInfo>,
    /// Whether there is another page.
    pub more: bool,
}

/// The reply to `stat`, `rename`, and the last one to `put`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReply {
    /// The file.
    pub file: FileInfo,
}

/// The reply to `get`; the bytes from `offset` to the end follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetReply {
    /// The file.
    pub file: FileInfo,
    /// The first byte that follows.
    pub offset: u64,
}

/// The first reply to `put`: go ahead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutReply {
    /// The name that will be used.
    pub name: FileName,
    /// How many bytes the server already holds.
    pub offset: u64,
    /// The digest of those bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_sha256: Option<Sha256>,
}

/// What the client says when the server holds a part of the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeAnswer {
    /// Whether the part is a beginning of this very file.
    pub resume: bool,
}

/// What the client says after the last byte of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyEnd {
    /// The digest of the whole file.
    pub sha256: Sha256,
}

/// A reply as it travels: `ok` beside the fields of the value, or of the refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply<T> {
    ok: bool,
    #[serde(flatten)]
    value: T,
}

impl<T: Serialize> Reply<T> {
    /// The request was granted.
    pub fn ok(value: T) -> Self {
        Self { ok: true, value }
    }
}

impl Reply<Refusal> {
    /// The request was refused.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            ok: false,
            value: refusal,
        }
    }
}

/// Reads a request; whatever is wrong with it is a `bad_request`.
pub fn parse_request(frame: &[u8]) -> Result<Request, Refusal> {
    parse_object(frame)
}

/// Reads the client's answer to a held part.
pub fn parse_resume_answer(frame: &[u8]) -> Result<ResumeAnswer, Refusal> {
    parse_object(frame)
}

/// Reads what follows the last byte of an upload.
pub fn parse_body_end(frame: &[u8]) -> Result<BodyEnd, Refusal> {
    parse_object(frame)
}

fn parse_object<T: DeserializeOwned>(frame: &[u8]) -> Result<T, Refusal> {
    let bad = |message: String| Refusal::new(Code::BadRequest, message);
    let text = std::str::from_utf8(frame).map_err(|_utf8| bad("the frame is not UTF-8".into()))?;
    // serde would read a struct from an array as well.
    if !text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('{')
    {
        return Err(bad("the frame is not a JSON object".into()));
    }
    serde_json::from_str(text).map_err(|error| bad(format!("not a request: {error}")))
}

/// Reads a reply: the value, or the server's refusal, or what is wrong with the frame.
pub fn parse_reply<T: DeserializeOwned>(
    frame: &[u8],
) -> Result<Result<T, Refusal>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        ok: bool,
    }
    let head: Head = serde_json::from_slice(frame)?;
    Ok(if head.ok {
        Ok(serde_json::from_slice(frame)?)
    } else {
        Err(serde_json::from_slice(frame)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let refusal = parse_request(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Code::BadRequest, "{text}");
        refusal.message
    }

    #[test]
    fn every_request_of_the_specification_is_read_and_written_alike() {
        let texts = [
            r#"{"op":"hello","version":1,"agent":"NAME/VERSION"}"#,
            r#"{"op":"register","user":"alice","password":"x"}"#,
            r#"{"op":"login","user":"alice","password":"x"}"#,
            r#"{"op":"login"}"#,
            r#"{"op":"passwd","old":"a","new":"b"}"#,
            r#"{"op":"whoami"}"#,
            r#"{"op":"quit"}"#,
            r#"{"op":"list","prefix":"","after":"","limit":500}"#,
            r#"{"op":"stat","name":"a"}"#,
            r#"{"op":"get","name":"a","offset":0}"#,
            r#"{"op":"put","name":"a","size":18446744073709551615,"conflict":"resume"}"#,
            r#"{"op":"delete","name":"a"}"#,
            r#"{"op":"rename","from":"a","to":"b","conflict":"overwrite"}"#,
        ];
        for text in texts {
            let request = parse_request(text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&request).unwrap(), text);
            assert!(text.contains(request.operation().word()));
        }
        for operation in Operation::ALL {
            let op = format!("\"op\":\"{}\"", operation.word());
            assert!(texts.iter().any(|text| text.contains(&op)), "{op}");
        }
    }

    #[test]
    fn anything_but_exactly_a_request_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "7",
            "{}",
            r#"["stat","a"]"#,
            r#"[{"op":"quit"}]"#,
            r#"{"op":"quit"} x"#,
            r#"{"op":"quit"}{"op":"quit"}"#,
            "\u{feff}{\"op\":\"quit\"}",
            r#"{"op":"dance"}"#,
            r#"{"op":7}"#,
            r#"{"op":"quit","x":1}"#,
            r#"{"op":"whoami","user":"root"}"#,
            r#"{"op":"stat"}"#,
            r#"{"op":"stat","name":"a","name":"b"}"#,
            r#"{"op":"quit","op":"quit"}"#,
            r#"{"op":"stat","name":null}"#,
            r#"{"op":"stat","name":["a"]}"#,
            r#"{"op":"stat","name":"\ud800"}"#,
            r#"{"op":"login","user":null,"password":null}"#,
            r#"{"op":"put","name":"a","size":-1,"conflict":"error"}"#,
            r#"{"op":"put","name":"a","size":1.5,"conflict":"error"}"#,
            r#"{"op":"put","name":"a","size":1e3,"conflict":"error"}"#,
            r#"{"op":"put","name":"a","size":"12","conflict":"error"}"#,
            r#"{"op":"put","name":"a","size":18446744073709551616,"conflict":"error"}"#,
            r#"{"op":"put","name":"a","size":1,"conflict":"maybe"}"#,
            r#"{"op":"put","name":"a","size":1}"#,
        ] {
            refused(text);
        }
        assert_eq!(
            parse_request(b"{\"op\":\"\xc0\xae\"}").unwrap_err().code,
            Code::BadRequest
        );
    }

    #[test]
    fn nesting_of_any_depth_is_refused_without_harm() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
            refused(&deep);
            refused(&format!("{{\"op\":\"stat\",\"name\":{deep}}}"));
            refused(&open.repeat(60_000 / open.len()));
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        assert!(refused(r#"{"op":"get","name":"a"}"#).contains("offset"));
    }

    #[test]
    fn a_reply_is_the_value_or_the_refusal_and_later_fields_are_ignored() {
        let text = r#"{"ok":true,"name":"a","offset":0,"of_version_2":[1]}"#;
        let reply: PutReply = parse_reply(text.as_bytes()).unwrap().unwrap();
        assert_eq!((reply.name.as_str(), reply.offset), ("a", 0));

        let written = serde_json::to_string(&Reply::refused(Refusal::new(Code::NotFound, "x")));
        let written = written.unwrap();
        assert_eq!(written, r#"{"ok":false,"code":"not_found","message":"x"}"#);
        let refusal = parse_reply::<PutReply>(written.as_bytes())
            .unwrap()
            .unwrap_err();
        assert_eq!(refusal.code, Code::NotFound);
    }

    #[test]
    fn a_reply_with_a_name_that_leaves_the_folder_is_no_reply() {
        let text = r#"{"ok":true,"name":"../../x","offset":0}"#;
        assert!(parse_reply::<PutReply>(text.as_bytes()).is_err());
    }
}
