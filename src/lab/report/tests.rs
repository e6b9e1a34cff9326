//! What people read, of a comparison made by hand: a change of a renderer is a change here, to be looked at.

use insta::assert_snapshot;

use super::sample::report;
use super::{html, login, picture, readme, story, table};
use crate::lab::find::Writing;
use crate::lang::Lang;

/// A table as the terminal has it, without its alignment.
fn lines((headings, rows): (Vec<String>, Vec<Vec<String>>)) -> String {
    let rows = std::iter::once(headings).chain(rows);
    let rows: Vec<String> = rows.map(|row| row.join(" | ")).collect();
    rows.join("\n")
}

/// HTML with a line for each element that begins, so that a difference can be read.
fn apart(markup: &maud::Markup) -> String {
    markup.0.replace('<', "\n<").replace("\n</", "</")
}

#[test]
fn the_table_of_findings_in_english() {
    assert_snapshot!(lines(table::told(&report(), Lang::English)), @r#"
    a stranger wants | plain TCP | mutual TLS 1.3
    user name | read (frame 6) | not found
    password | read (frame 6) | not found
    file name | read (frame 6) | not found
    the file's bytes | 3 ↑ 3 ↓ of 3 blocks | 0 ↑ 0 ↓ of 3 blocks
    the file's size | read: 9.0 kB | guessed to the byte
    server's name (SNI) | – | files-3.example
    protocol (ALPN) | – | sealpost/1
    version, cipher suite | – | TLS 1.3, TLS_AES_256_GCM_SHA384
    server's certificate | – | not found
    client's certificate | – | not found
    who, when | addresses, ports, times | addresses, ports, times
    bytes sent (TCP payload) | 18100 | 19000 (+4.97 %)
    entropy, bits a byte | 7.50 ↑ 7.50 ↓ | 7.50 ↑ 7.50 ↓
    handshake and hello | 1.5 ms | 1.5 ms
    list, upload, download | 2.5 ms | 2.5 ms
    more time than plain (one run, no login) | – | +1.2 ms
    "#);
}

#[test]
fn what_stands_in_a_disguise_is_read_all_the_same_and_the_disguise_named() {
    let mut report = report();
    let place = report.runs[0].connection.secrets[1].found.as_mut();
    place.unwrap().written = Writing::Base64;
    let [english, chinese] = [Lang::English, Lang::Chinese].map(|lang| {
        let (_, rows) = table::told(&report, lang);
        rows[1][1].clone()
    });
    assert_eq!(english, "read (frame 6, in Base64)");
    assert_eq!(chinese, "可读（第 6 帧，Base64 编码）");
}

#[test]
fn less_time_than_plain_is_explained_and_more_is_not() {
    let mut report = report();
    assert_eq!(table::quicker(&report), None);
    let overhead = report.runs[1].overhead.as_mut();
    overhead.unwrap().ns = -1;
    let said = table::quicker(&report).unwrap();
    assert!(said.en.contains("encryption saves no time") && said.zh.contains("加密并不省时间"));
}

#[test]
fn the_table_of_findings_in_chinese() {
    assert_snapshot!(lines(table::told(&report(), Lang::Chinese)), @r#"
    陌生人想要 | 明文 TCP | 双向 TLS 1.3
    用户名 | 可读（第 6 帧） | 未找到
    密码 | 可读（第 6 帧） | 未找到
    文件名 | 可读（第 6 帧） | 未找到
    文件内容 | 3 块中 3 ↑ 3 ↓ | 3 块中 0 ↑ 0 ↓
    文件大小 | 可读：9.0 kB | 推算到字节不差
    服务器名称（SNI） | – | files-3.example
    应用协议（ALPN） | – | sealpost/1
    版本与密码套件 | – | TLS 1.3, TLS_AES_256_GCM_SHA384
    服务器证书 | – | 未找到
    客户端证书 | – | 未找到
    何人、何时 | 地址、端口、时间 | 地址、端口、时间
    字节数（TCP 载荷） | 18100 | 19000 (+4.97 %)
    熵（比特/字节） | 7.50 ↑ 7.50 ↓ | 7.50 ↑ 7.50 ↓
    握手与问候 | 1.5 ms | 1.5 ms
    列表、上传、下载 | 2.5 ms | 2.5 ms
    比明文多用的时间（单次，不含登录） | – | +1.2 ms
    "#);
}

#[test]
fn the_readme_in_english() {
    assert_snapshot!(readme::text(&report(), Lang::English), @r#"
    The same transfer, plain and sealed: what a stranger on the wire learns
    sealpost 0.0.0 lab compare, 2026-01-02T03:04:05Z

    user      student-1
    password  Postcard-2  (made for this, it opens nothing any more)
    file      <b>note</b>.txt, 9.0 kB, sha256 abc123

    FILES

      report.html               read this first; it needs no network and no script
      report.json               every figure
      sealpost.lua              Sealpost's protocol for Wireshark; its first lines say how to use it
      plain.pcapng              plain TCP: what a stranger has
      mtls13.pcapng             mutual TLS 1.3: what a stranger has
      mtls13.with-keys.pcapng   the same with its keys: Wireshark decrypts it at once
      mtls13.keys               the keys alone

    The payload bytes, their order and their times were observed by a relay between client and server;
    the IP and TCP headers around them are reconstructed. Times are of one run on one machine.
    not compared with a capture by the kernel: it is not asked here

    CLAIMS, AND THE COMMAND THAT PROVES EACH
    (a POSIX shell in this folder; tshark comes with Wireshark)

    1. [plain, frame 6] The password Postcard-2 stands readable in frame 6.
       $ tshark -r plain.pcapng -Y 'tcp contains "Postcard-2"'
       6

    2. [mtls13] The password Postcard-2 stands in no frame (the command prints nothing).
       $ tshark -r mtls13.pcapng -Y 'tcp contains "Postcard-2"'
       (prints nothing)
    "#);
}

#[test]
fn the_readme_in_chinese() {
    assert_snapshot!(readme::text(&report(), Lang::Chinese), @r#"
    同一次传输，明文与密封：线路上的陌生人能得知什么
    sealpost 0.0.0 lab compare，2026-01-02T03:04:05Z

    用户  student-1
    密码  Postcard-2  (专为本次生成，已打不开任何东西)
    文件  <b>note</b>.txt, 9.0 kB, sha256 abc123

    文件清单

      report.html               请先看它；不需要网络，也不需要脚本
      report.json               所有数据（英文）
      sealpost.lua              供 Wireshark 解析 Sealpost 协议；开头几行说明用法
      plain.pcapng              明文 TCP：陌生人所得到的
      mtls13.pcapng             双向 TLS 1.3：陌生人所得到的
      mtls13.with-keys.pcapng   同上并附密钥：Wireshark 直接解密
      mtls13.keys               仅密钥

    载荷字节、顺序和时间由客户端与服务器之间的中继记录；
    外层的 IP 和 TCP 头是重建的。时间取自一台机器上的一次运行。
    未与内核抓包对比：此处未要求

    结论，以及证明每条结论的命令
    （在本文件夹的 POSIX shell 中运行；tshark 随 Wireshark 安装）

    1. [plain，帧 6] 密码 Postcard-2 在第 6 帧中明文可读。
       $ tshark -r plain.pcapng -Y 'tcp contains "Postcard-2"'
       6

    2. [mtls13] 任何一帧中都找不到密码 Postcard-2（命令没有输出）。
       $ tshark -r mtls13.pcapng -Y 'tcp contains "Postcard-2"'
       （没有输出）
    "#);
}

#[test]
fn the_story_of_each_run_in_both_languages() {
    let report = report();
    let mut told = Vec::new();
    for run in &report.runs {
        let story = story::story(run, &report);
        let texts = std::iter::once(story.read).chain(story.visible);
        told.extend(texts.flat_map(|text| [text.en, text.zh]));
    }
    assert_snapshot!(told.join("\n"), @r#"
    A stranger read the user name, the password, the file name, 3 of 3 blocks of the file.
    陌生人读到了用户名、密码、文件名、文件 3 块中的 3 块。
    Who and when: 127.0.0.1:40000 to 127.0.0.2:4433, 9.5 kB up and 9.5 kB down in 20 packets
    何人何时：127.0.0.1:40000 到 127.0.0.2:4433，20 个包，上行 9.5 kB，下行 9.5 kB
    Everything else: what was asked, what was answered, every byte of the file
    其余一切：问了什么、答了什么、文件的每个字节
    A stranger read neither user, password, file name nor one block of the file.
    陌生人既没有读到用户名、密码、文件名，也没有读到文件的任何一块。
    Who and when: 127.0.0.1:40000 to 127.0.0.2:4433, 9.5 kB up and 9.5 kB down in 20 packets
    何人何时：127.0.0.1:40000 到 127.0.0.2:4433，20 个包，上行 9.5 kB，下行 9.5 kB
    The name asked for (SNI): files-3.example
    所请求的名称（SNI）：files-3.example
    Which protocol it is (ALPN): sealpost/1
    所用应用协议（ALPN）：sealpost/1
    Version and cipher suite: TLS 1.3, TLS_AES_256_GCM_SHA384
    版本与密码套件：TLS 1.3，TLS_AES_256_GCM_SHA384
    How large the file is: 9000 bytes by the records' lengths; in truth 9000
    文件有多大：由记录长度推算为 9000 字节；实际 9000 字节
    "#);
}

#[test]
fn the_login_in_plain_and_sealed() {
    let report = report();
    let shown: Vec<_> = report.runs.iter().collect();
    assert_snapshot!(apart(&login::login(&shown, &report)), @r#"
    <h2>
    <span class="en" lang="en">The login, as it passes by</span>
    <span class="zh" lang="zh-Hans">登录消息经过时的样子</span></h2>
    <p>
    <span class="en" lang="en">What a computer sends passes through many hands: the router, the provider, every network on the way, and on an open Wi-Fi everybody in range. Each of them can keep a copy. This is the copy of one message, the login, in each way of sending it:</span>
    <span class="zh" lang="zh-Hans">电脑发出的数据要经过许多人的手：路由器、运营商、沿途的每个网络，在开放的 Wi-Fi 上还有信号范围内的每个人。每一方都可以留一份副本。下面是同一条消息（登录）在不同传输方式下的副本：</span></p>
    <div class="pair login">
    <div>
    <h3>
    <span class="en" lang="en">plain TCP</span>
    <span class="zh" lang="zh-Hans">明文 TCP</span></h3>
    <div class="turn up">
    <div class="head">
    <span>↑ 
    <b>
    <span class="en" lang="en">login</span>
    <span class="zh" lang="zh-Hans">login</span></b> 
    <span class="read">● 
    <span class="en" lang="en">user name, password</span>
    <span class="zh" lang="zh-Hans">用户名、密码</span></span></span>
    <span>
    <span class="en" lang="en">frame </span>
    <span class="zh" lang="zh-Hans">帧 </span>6 · 61 B</span></div>
    <div class="text">···9{&quot;op&quot;:&quot;login&quot;,&quot;user&quot;:&quot;
    <mark title="user">student-1</mark>&quot;,&quot;password&quot;:&quot;
    <mark title="password">Postcard-2</mark>&quot;}</div>
    <div class="hex">00 00 00 39 7b 22 6f 70 22 3a 22 6c 6f 67 69 6e 22 2c 22 75 73 65 72 22 3a 22 
    <mark title="user">73 74 75 64 65 6e 74 2d 31 </mark>22 2c 22 70 61 73 73 77 6f 72 64 22 3a 
    <span class="dim">…</span></div></div>
    <p>
    <span class="en" lang="en">The password Postcard-2 stands there in letters. Nothing was broken, guessed or decrypted to read it, and nobody can tell that it was read. A copy kept today can be used tomorrow.</span>
    <span class="zh" lang="zh-Hans">密码 Postcard-2 就以文字写在那里。读取它不需要破解、猜测或解密，也没有人能察觉它被读过。今天留下的副本，明天就能使用。</span></p></div>
    <div>
    <h3>
    <span class="en" lang="en">mutual TLS 1.3</span>
    <span class="zh" lang="zh-Hans">双向 TLS 1.3</span></h3>
    <div class="turn up">
    <div class="head">
    <span>↑ 
    <b>
    <span class="en" lang="en">encrypted</span>
    <span class="zh" lang="zh-Hans">密文</span></b></span>
    <span>
    <span class="en" lang="en">frame </span>
    <span class="zh" lang="zh-Hans">帧 </span>6 · 5 B</span></div>
    <div class="text">····P</div>
    <div class="hex">17 03 03 00 50 </div></div>
    <p>
    <span class="en" lang="en">The same message. What can be read off is that something was sent, when, and how long it is; by its length somebody who knows the protocol takes it for a login. What it says can be read with the keys of this session alone, and these never travelled.</span>
    <span class="zh" lang="zh-Hans">同一条消息。能看出的只有：有东西发出、何时发出、有多长；熟悉协议的人可由长度猜到这是登录。内容只有用本次会话的密钥才能读出，而密钥从未在网络上传输。</span></p></div></div>
    "#);
}

#[test]
fn the_ladder_of_a_sealed_run() {
    assert_snapshot!(apart(&picture::ladder(&report().runs[1])), @r#"
    <svg class="ladder" viewBox="0 0 440 230" role="img" aria-label="ladder of packets 数据包阶梯图">
    <text class="en " x="70" y="14" text-anchor="middle">client</text>
    <text class="zh " x="70" y="14" text-anchor="middle" lang="zh-Hans">客户端</text>
    <text class="en " x="370" y="14" text-anchor="middle">server</text>
    <text class="zh " x="370" y="14" text-anchor="middle" lang="zh-Hans">服务器</text>
    <line class="axis" x1="70" y1="22" x2="70" y2="220"></line>
    <line class="axis" x1="370" y1="22" x2="370" y2="220"></line>
    <g class="up bare">
    <title>TCP: SYN · TCP：SYN</title>
    <line x1="70" y1="60" x2="370" y2="60" stroke-width="1"></line>
    <polygon stroke="none" points="370,60 363,56 363,64"></polygon></g>
    <text class="en small" x="220" y="55" text-anchor="middle">TCP: SYN</text>
    <text class="zh small" x="220" y="55" text-anchor="middle">TCP：SYN</text>
    <text class="small" x="62" y="63" text-anchor="end">1</text>
    <text class="small" x="378" y="63">0 B</text>
    <g class=" down bare">
    <title>TCP: SYN, ACK · TCP：SYN, ACK</title>
    <line x1="370" y1="86" x2="70" y2="86" stroke-width="1"></line>
    <polygon stroke="none" points="70,86 77,82 77,90"></polygon></g>
    <text class="en small" x="220" y="81" text-anchor="middle">TCP: SYN, ACK</text>
    <text class="zh small" x="220" y="81" text-anchor="middle">TCP：SYN, ACK</text>
    <text class="small" x="62" y="89" text-anchor="end">2</text>
    <text class="small" x="378" y="89">0 B</text>
    <g class="up bare">
    <title>TCP: ACK · TCP：ACK</title>
    <line x1="70" y1="112" x2="370" y2="112" stroke-width="1"></line>
    <polygon stroke="none" points="370,112 363,108 363,116"></polygon></g>
    <text class="en small" x="220" y="107" text-anchor="middle">TCP: ACK</text>
    <text class="zh small" x="220" y="107" text-anchor="middle">TCP：ACK</text>
    <text class="small" x="62" y="115" text-anchor="end">3</text>
    <text class="small" x="378" y="115">0 B</text>
    <g class="up">
    <title>ClientHello · ClientHello</title>
    <line x1="70" y1="138" x2="370" y2="138" stroke-width="1"></line>
    <polygon stroke="none" points="370,138 363,134 363,142"></polygon></g>
    <text class="en " x="220" y="133" text-anchor="middle">ClientHello</text>
    <text class="zh " x="220" y="133" text-anchor="middle">ClientHello</text>
    <text class="small" x="62" y="141" text-anchor="end">4</text>
    <text class="small" x="378" y="141">5 B</text>
    <g class=" down">
    <title>ServerHello, ChangeCipherSpec, encrypted · ServerHello、ChangeCipherSpec、密文</title>
    <line x1="370" y1="164" x2="70" y2="164" stroke-width="1"></line>
    <polygon stroke="none" points="70,164 77,160 77,168"></polygon></g>
    <text class="en " x="220" y="159" text-anchor="middle">ServerHello, ChangeCipherSpec, encrypted</text>
    <text class="zh " x="220" y="159" text-anchor="middle">ServerHello、ChangeCipherSpec、密文</text>
    <text class="small" x="62" y="167" text-anchor="end">5</text>
    <text class="small" x="378" y="167">5 B</text>
    <g class="up">
    <title>encrypted · 密文</title>
    <line x1="70" y1="190" x2="370" y2="190" stroke-width="1"></line>
    <polygon stroke="none" points="370,190 363,186 363,194"></polygon></g>
    <text class="en " x="220" y="185" text-anchor="middle">encrypted</text>
    <text class="zh " x="220" y="185" text-anchor="middle">密文</text>
    <text class="small" x="62" y="193" text-anchor="end">6</text>
    <text class="small" x="378" y="193">5 B</text>
    <text class="en small" x="220" y="210" text-anchor="middle">TCP says goodbye (FIN): frames 7–20</text>
    <text class="zh small" x="220" y="210" text-anchor="middle" lang="zh-Hans">TCP 告别（FIN）：第 7–20 帧</text></svg>
    "#);
}

#[test]
fn a_page_opens_in_its_language_and_escapes_what_it_is_given() {
    let page = html::page(&report(), Lang::English);
    let zh = html::page(&report(), Lang::Chinese);
    for (page, checked) in [(&page, "id=\"en\""), (&zh, "id=\"zh\"")] {
        let inputs = page.split("<input").filter(|input| {
            let end = input.find('>').unwrap_or(0);
            input[..end].contains(" checked")
        });
        let inputs: Vec<_> = inputs.collect();
        assert_eq!(inputs.len(), 1, "one language");
        assert!(inputs[0].contains(checked));
        assert!(page.contains("&lt;b&gt;note&lt;/b&gt;.txt"));
        assert!(!page.contains("<b>note") && !page.contains("<script"));
        // Nothing is loaded, and nothing leads away.
        assert!(!page.contains("href=") && !page.contains("src=") && !page.contains("url("));
    }
    assert!(zh.starts_with("<!DOCTYPE html><html lang=\"zh-Hans\">"));
}

#[test]
fn each_english_text_of_the_page_has_a_chinese_one_beside_it() {
    let page = html::page(&report(), Lang::English);
    let (en, zh) = (
        page.matches("<span class=\"en\"").count(),
        page.matches("<span class=\"zh\"").count(),
    );
    assert!(en > 150, "{en}");
    assert_eq!(en, zh);
    // Every word of the pictures too.
    assert_eq!(
        page.matches("<text class=\"en").count(),
        page.matches("<text class=\"zh").count()
    );
    for text in page.split("<span class=\"zh\" lang=\"zh-Hans\">").skip(1) {
        assert!(!text.starts_with("</span>"), "an empty Chinese text");
    }
}
