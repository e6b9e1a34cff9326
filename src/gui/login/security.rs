//! The three plain choices of how a connection is protected.

use serde::{Deserialize, Serialize};

use crate::lang::{Both, both};

/// How a connection is protected: the three plain choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Not at all.
    Plain,
    /// The server is proved.
    Tls,
    /// Both are proved.
    #[default]
    Mutual,
}

impl Security {
    /// All three, the safest first.
    pub const ALL: [Self; 3] = [Self::Mutual, Self::Tls, Self::Plain];

    /// Its name.
    pub fn name(self) -> Both {
        match self {
            Self::Plain => both("Plain TCP", "明文 TCP"),
            Self::Tls => both("TLS", "TLS"),
            Self::Mutual => both("Mutual TLS", "双向 TLS"),
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> Both {
        match self {
            Self::Plain => both(
                "A postcard: everything can be read on the way, the password too.",
                "明信片：途中一切都能被读到，包括密码。",
            ),
            Self::Tls => both(
                "A sealed letter: the server proves who it is; you log in by password.",
                "密封的信：服务器证明自己的身份；您用密码登录。",
            ),
            Self::Mutual => both(
                "A sealed letter: the server proves who it is, and you do by certificate.",
                "密封的信：服务器证明自己的身份，您也用证书证明。",
            ),
        }
    }

    /// A lock, closed or open.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Plain => "🔓",
            Self::Tls | Self::Mutual => "🔒",
        }
    }
}
