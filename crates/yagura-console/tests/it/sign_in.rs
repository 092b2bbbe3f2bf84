//! Signing in and out: passwords, codes, links, limits, forms, cookies, tokens.
//! Providers of identities are in `oidc.rs`; what each role may do in `gate.rs`.

use http::{StatusCode, header};
use yagura_console::{Entrance, first_link, fresh, hashed, setup_link};
use yagura_store::people::{NewPerson, NewToken};

use crate::support::{Bench, Browser, NOW};

const PASSWORD: &str = "correct horse battery";

async fn bench() -> (Bench, i64) {
    let bench = Bench::with(Entrance::SignIn).await;
    let id = add(&bench, "aiko", "admin").await;
    (bench, id)
}

async fn add(bench: &Bench, name: &str, role: &str) -> i64 {
    let new = NewPerson {
        name: name.to_owned(),
        subject: None,
        password: Some(hashed(PASSWORD).unwrap()),
        role: role.to_owned(),
        accounts: None,
    };
    let people = bench.store.people();
    people.add(&new, NOW.parse().unwrap()).await.unwrap().unwrap()
}

async fn try_in(browser: &mut Browser<'_>, name: &str, password: &str) -> StatusCode {
    browser.get("/sign-in").await;
    let fields = [("name", name), ("password", password), ("next", "/settings/profile")];
    browser.post("/sign-in", &fields).await.status
}

#[tokio::test]
async fn a_right_password_comes_in_and_a_wrong_one_stays_outside() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
    assert_eq!(try_in(&mut browser, "aiko", "wrong horse battery").await, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
    assert_eq!(try_in(&mut browser, "AIKO ", PASSWORD).await, StatusCode::SEE_OTHER);
    let page = browser.get("/settings/profile").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("aiko"), "{}", page.text);
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_unknown_name_gets_the_same_answer_as_a_wrong_password() {
    let (bench, _) = bench().await;
    let mut answers = Vec::new();
    for name in ["aiko", "nobody"] {
        let mut browser = Browser::new(&bench);
        browser.get("/sign-in").await;
        let fields = [("name", name), ("password", "wrong horse battery")];
        let got = browser.post("/sign-in", &fields).await;
        answers.push((got.status, got.text.replace(name, "N").replace(&browser.csrf, "C")));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn the_session_after_signing_in_is_none_that_the_browser_brought() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    browser.cookies.insert("yagura".into(), "planted-by-somebody-else".into());
    assert_eq!(try_in(&mut browser, "aiko", PASSWORD).await, StatusCode::SEE_OTHER);
    let first = browser.cookies["yagura"].clone();
    assert_ne!(first, "planted-by-somebody-else");
    browser.cookies.insert("yagura".into(), "planted-by-somebody-else".into());
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
    browser.cookies.insert("yagura".into(), first.clone());
    assert_eq!(try_in_again(&mut browser).await, StatusCode::SEE_OTHER);
    assert_eq!(browser.cookies["yagura"], first, "who is in stays in as who they are");
}

async fn try_in_again(browser: &mut Browser<'_>) -> StatusCode {
    let page = browser.get("/settings/profile").await;
    assert_eq!(page.status, StatusCode::OK);
    browser.post("/sign-in", &[("name", "aiko"), ("password", PASSWORD)]).await.status
}

#[tokio::test]
async fn cookies_are_for_us_and_behind_tls_for_tls_alone() {
    for (address, name, secure) in [
        ("https://yagura.example.com", "__Host-yagura=", true),
        ("http://127.0.0.1:8787", "yagura=", false),
    ] {
        let bench = Bench::at(Entrance::SignIn, address).await;
        add(&bench, "aiko", "viewer").await;
        let mut browser = Browser::new(&bench);
        browser.get("/sign-in").await;
        let fields = [("name", "aiko"), ("password", PASSWORD)];
        let got = browser.post("/sign-in", &fields).await;
        let cookies: Vec<_> = got.headers.get_all(header::SET_COOKIE).iter().collect();
        let cookie = cookies.iter().map(|one| one.to_str().unwrap());
        let cookie = cookie.into_iter().find(|one| one.starts_with(name)).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(cookie.contains("Path=/") && !cookie.contains("Domain"), "{cookie}");
        assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
    }
}

#[tokio::test]
async fn over_tls_browsers_are_told_to_stay_there() {
    for (address, told) in [("https://yagura.example.com", true), ("http://127.0.0.1:1", false)] {
        let bench = Bench::at(Entrance::SignIn, address).await;
        for path in ["/sign-in", "/nowhere", "/api/v1/me", "/assets/console.css"] {
            let got = bench.get(path).await;
            let header = got.headers.get(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(header.is_some(), told, "{address}{path}");
        }
    }
}

#[tokio::test]
async fn the_proof_in_a_form_is_never_the_same_twice_and_each_holds() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    try_in(&mut browser, "aiko", PASSWORD).await;
    browser.get("/settings/profile").await;
    let first = browser.csrf.clone();
    browser.get("/settings/profile").await;
    assert_ne!(browser.csrf, first);
    browser.csrf = first;
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_signing_in_that_we_did_not_give_is_refused() {
    let (bench, _) = bench().await;
    let form = format!("name=aiko&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(bench.post("/sign-in", &form).await.status, StatusCode::FORBIDDEN);
    let mut browser = Browser::new(&bench);
    browser.get("/sign-in").await;
    browser.csrf = "made-up".into();
    let got = browser.post("/sign-in", &[("name", "aiko"), ("password", PASSWORD)]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_change_without_the_sessions_own_proof_is_refused() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    try_in(&mut browser, "aiko", PASSWORD).await;
    browser.get("/settings/profile").await;
    let own = browser.csrf.clone();
    for csrf in ["", "made-up"] {
        browser.csrf = csrf.into();
        assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    browser.csrf = own;
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_makes_wait_and_says_for_how_long() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    for _ in 0..6 {
        assert_eq!(try_in(&mut browser, "aiko", "guess guess guess").await.as_u16(), 401);
    }
    browser.get("/sign-in").await;
    let got = browser.post("/sign-in", &[("name", "aiko"), ("password", PASSWORD)]).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = got.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(try_in(&mut browser, "other", "guess guess guess").await.as_u16(), 401);
}

#[tokio::test]
async fn guesses_at_many_names_from_one_address_make_wait() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    for n in 0..21 {
        assert_eq!(try_in(&mut browser, &format!("name{n}"), "guess").await.as_u16(), 401);
    }
    assert_eq!(try_in(&mut browser, "aiko", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn whoever_is_disabled_or_has_another_role_signs_in_anew() {
    let (bench, _) = bench().await;
    let other = add(&bench, "other", "viewer").await;
    let mut browser = Browser::new(&bench);
    try_in(&mut browser, "other", PASSWORD).await;
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::OK);
    bench.store.people().set_role(other, "analyst", None).await.unwrap();
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
    try_in(&mut browser, "other", PASSWORD).await;
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::OK);
    bench.store.people().set_disabled(other, true).await.unwrap();
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER);
    assert_eq!(try_in(&mut browser, "other", PASSWORD).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sessions_end_by_silence_and_by_age() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    try_in(&mut browser, "aiko", PASSWORD).await;
    for _ in 0..14 {
        bench.pass_hours(11);
        assert_eq!(browser.get("/settings/profile").await.status, StatusCode::OK);
    }
    bench.pass_hours(13);
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER, "silence");
    try_in(&mut browser, "aiko", PASSWORD).await;
    for hours in (0..168).step_by(8) {
        assert_eq!(browser.get("/settings/profile").await.status, StatusCode::OK, "{hours}");
        bench.pass_hours(8);
    }
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER, "age");
}

#[tokio::test]
async fn the_first_administrator_is_made_by_the_printed_link_once() {
    let bench = Bench::with(Entrance::SignIn).await;
    let now = NOW.parse().unwrap();
    let link = first_link(&bench.store, "", now).await.unwrap().unwrap();
    assert_eq!(bench.get("/first?token=made-up").await.status, StatusCode::NOT_FOUND);
    let mut browser = Browser::new(&bench);
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    let token = link.split_once('=').unwrap().1;
    let fields = |password| [("token", token), ("name", "aiko"), ("password", password)];
    let form = |password, again| [&fields(password)[..], &[("again", again)]].concat();
    let got = browser.post("/first", &form("short", "short")).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let got = browser.post("/first", &form(PASSWORD, "another")).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let got = browser.post("/first", &form(PASSWORD, PASSWORD)).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    assert_eq!(browser.get("/settings/people").await.status, StatusCode::OK);
    assert!(first_link(&bench.store, "", now).await.unwrap().is_none());
    let mut late = Browser::new(&bench);
    assert_eq!(late.get(&link).await.status, StatusCode::NOT_FOUND);
    let got = late.post("/first", &form(PASSWORD, PASSWORD)).await;
    assert_ne!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(bench.store.people().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_sets_its_persons_password_once_and_for_three_days() {
    let (bench, _) = bench().await;
    let other = add(&bench, "other", "viewer").await;
    let now = NOW.parse().unwrap();
    let link = setup_link(&bench.store, "", other, now).await.unwrap();
    let token = link.split_once('=').unwrap().1;
    let mut browser = Browser::new(&bench);
    assert!(browser.get(&link).await.text.contains("other"));
    let fields =
        [("token", token), ("password", "staple battery horse"), ("again", "staple battery horse")];
    assert_eq!(browser.post("/sign-in/setup", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.post("/sign-in/setup", &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(try_in(&mut browser, "other", PASSWORD).await, StatusCode::UNAUTHORIZED);
    assert_eq!(try_in(&mut browser, "other", "staple battery horse").await, StatusCode::SEE_OTHER);
    let old = setup_link(&bench.store, "", other, now).await.unwrap();
    bench.pass_hours(72);
    assert_eq!(bench.get(&old).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_token_opens_what_it_was_made_for_and_no_page() {
    let (bench, _) = bench().await;
    let token = fresh("yagura_").unwrap();
    let new = NewToken {
        name: "ci".into(),
        hash: token.hash,
        role: "admin".into(),
        accounts: None,
        scopes: ["findings:read".to_owned()].into(),
        created_by: "aiko".into(),
        expires: None,
    };
    bench.store.people().add_token(&new, NOW.parse().unwrap()).await.unwrap().unwrap();
    let ask = async |path: &str, authorization: &str| {
        let request = http::Request::get(path).header(header::AUTHORIZATION, authorization);
        bench.send(request.body(axum::body::Body::empty()).unwrap()).await.status
    };
    let good = format!("Bearer {}", *token.text);
    assert_eq!(ask("/settings/people", &good).await, StatusCode::FORBIDDEN);
    assert_eq!(ask("/settings/people", "Bearer yagura_wrong").await, StatusCode::SEE_OTHER);
    assert_eq!(ask("/nowhere", &good).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_password_in_the_field_of_the_name_is_written_down_nowhere() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    try_in(&mut browser, "my-secret-passphrase", "x").await;
    try_in(&mut browser, "aiko", "my-other-passphrase").await;
    let lines = bench.store.people().audit(&Default::default(), 10).await.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].who.as_str(), lines[1].who.as_str()), ("aiko", ""));
    assert!(!format!("{lines:?}").contains("passphrase"), "{lines:?}");
}

#[tokio::test]
async fn a_next_page_is_never_one_of_another_site() {
    let (bench, _) = bench().await;
    let mut browser = Browser::new(&bench);
    browser.get("/sign-in").await;
    let fields = [("name", "aiko"), ("password", PASSWORD), ("next", "//evil.example")];
    let got = browser.post("/sign-in", &fields).await;
    assert_eq!(got.headers[header::LOCATION], "/");
}
