use std::time::Instant;

use super::*;
use crate::client::Login;
use crate::transport::Roots;

fn form() -> LoginForm {
    LoginForm {
        host: "example.org".into(),
        port: "9999".into(),
        user: "alice".into(),
        password: Zeroizing::new("correct horse".into()),
        ca: "ca.crt".into(),
        certificate: "client.crt".into(),
        key: "client.key".into(),
        ..LoginForm::default()
    }
}

#[track_caller]
fn missing(form: &LoginForm) -> Field {
    match form.request() {
        Ok(_) => panic!("nothing is missing"),
        Err(Missing(field, error)) => {
            assert!(error.chinese().is_some(), "{error}");
            assert!(error.next_step().is_some(), "{error}");
            field
        }
    }
}

#[test]
fn a_port_typed_with_the_server_counts_and_moves_to_its_field() {
    let mut form = form();
    form.host = " [::1]:77 ".into();
    let request = form.request().ok().unwrap();
    assert_eq!((request.host.as_str(), request.port), ("::1", 77));
    form.part_port();
    assert_eq!((form.host.as_str(), form.port.as_str()), ("::1", "77"));
    form.port.clear();
    assert_eq!(form.request().ok().unwrap().port, DEFAULT_PORT);
}

#[test]
fn what_is_missing_is_told_with_its_field() {
    type Change = fn(&mut LoginForm);
    let cases: [(Field, Change); 12] = [
        (Field::Server, |form| form.host.clear()),
        (Field::Server, |form| form.host = "a:b".into()),
        (Field::Port, |form| form.port = "http".into()),
        (Field::Port, |form| form.port = "0".into()),
        (Field::User, |form| {
            form.user.clear();
            form.security = Security::Tls;
        }),
        (Field::Password, |form| form.password.clear()),
        (Field::Ca, |form| form.ca.clear()),
        (Field::Certificate, |form| form.certificate.clear()),
        (Field::Key, |form| form.key.clear()),
        (Field::Again, |form| form.register = true),
        (Field::Password, |form| {
            form.register = true;
            form.password = Zeroizing::new("short".into());
            form.again = form.password.clone();
        }),
        (Field::Pin, |form| form.advanced.pin = "sha256//".into()),
    ];
    for (field, change) in cases {
        let mut form = form();
        assert!(form.request().is_ok());
        change(&mut form);
        assert_eq!(missing(&form), field);
    }
}

#[test]
fn only_what_a_choice_needs_is_asked_and_sent() {
    let mut form = form();
    form.security = Security::Plain;
    form.ca.clear();
    form.certificate.clear();
    assert!(form.request().ok().unwrap().tls.is_none());
    form.security = Security::Tls;
    assert_eq!(missing(&form), Field::Ca);
    form.advanced.public_roots = true;
    let tls = form.request().ok().unwrap().tls.unwrap();
    assert!(tls.certificate.is_none() && matches!(tls.roots, Roots::Public));
    assert!(!tls.insecure);
}

#[test]
fn without_a_user_a_certificate_logs_in_but_makes_no_account() {
    let mut form = form();
    form.user.clear();
    form.password.clear();
    let login = form.request().ok().unwrap().login;
    assert!(matches!(login, Login::Certificate));
    form.register = true;
    assert_eq!(missing(&form), Field::User);
}

#[test]
fn a_refused_login_takes_the_password_and_an_unreachable_server_does_not() {
    let told = |kind| Told {
        kind,
        message: both("", ""),
        hint: both("", ""),
        causes: Vec::new(),
    };
    let mut form = form();
    form.fail(told(Kind::Connect), false);
    assert!(!form.password.is_empty());
    form.fail(told(Kind::LoginRefused), false);
    assert!(form.password.is_empty());
    assert_eq!(form.focus, Some(Field::Password));
}

#[test]
fn another_key_forgets_the_passphrase_of_the_last() {
    let mut form = form();
    form.lock("client.key".into(), None);
    form.passphrase = Zeroizing::new("open sesame".into());
    let picked = |pick| Picked {
        pick,
        paths: vec!["other.pem".into()],
        answered: Instant::now(),
    };
    form.picked(&picked(Pick::CaFile));
    assert!(form.locked.is_some() && !form.passphrase.is_empty());
    form.picked(&picked(Pick::Key));
    assert!(form.locked.is_none() && form.passphrase.is_empty());
}

#[test]
fn nothing_chosen_leaves_what_was_typed() {
    let mut form = form();
    form.picked(&Picked {
        pick: Pick::CaFile,
        paths: Vec::new(),
        answered: Instant::now(),
    });
    assert_eq!(form.ca, "ca.crt");
}

#[test]
fn what_is_remembered_fills_the_form_again_without_secrets() {
    let mut form = form();
    form.host = "example.org:77".into();
    form.advanced.server_name = "other.example".into();
    let recent = form.recent().unwrap();
    let json = serde_json::to_string(&recent).unwrap();
    assert!(!json.contains("correct horse"));
    let mut next = LoginForm::default();
    next.fill(&serde_json::from_str(&json).unwrap());
    assert_eq!(next.recent().unwrap(), recent);
    assert!(next.password.is_empty());
}
