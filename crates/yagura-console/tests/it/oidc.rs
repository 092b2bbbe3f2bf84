//! A provider of identities that says what it must not: every such answer ends without a session,
//! without a person, and with a line in the record of actions.
//! What its claims mean is tested beside `auth/oidc/claims.rs`; the provider here is `provider.rs`.

use http::{StatusCode, header};
use serde_json::{Value, json};
use yagura_console::{Entrance, SignIn, hashed};
use yagura_store::people::NewPerson;

use crate::provider::{Ending, Provider, Said, Signed};
use crate::support::{Bench, Browser, Got, NOW};

const CALLBACK: &str = "/sign-in/provider/callback";

async fn bench(provider: &Provider) -> Bench {
    bench_with(provider, |_| {}).await
}

async fn bench_with(
    provider: &Provider,
    change: impl FnOnce(&mut yagura_console::OidcSettings),
) -> Bench {
    let mut settings = provider.settings();
    change(&mut settings);
    let sign_in = SignIn { oidc: Some(settings), ..SignIn::default() };
    Bench::made(Entrance::SignIn, |parts| parts.sign_in = sign_in).await
}

/// Goes to the provider; answers the state that it was sent.
async fn begun(provider: &Provider, browser: &mut Browser<'_>) -> String {
    let got = browser.get("/sign-in/provider?next=/settings/profile").await;
    let to = location(&got);
    assert!(to.starts_with(&format!("{}/authorize?", provider.issuer())), "{to}");
    let parameter = |name: &str| {
        let pairs = to.split_once('?').unwrap().1.split('&');
        let mut values = pairs.filter_map(|pair| pair.strip_prefix(&format!("{name}=")));
        values.next().unwrap().to_owned()
    };
    assert_eq!(parameter("code_challenge_method"), "S256");
    provider.expect_nonce(&parameter("nonce"));
    parameter("state")
}

async fn ended(browser: &mut Browser<'_>, state: &str) -> Got {
    browser.get(&format!("{CALLBACK}?code=one&state={state}")).await
}

fn location(got: &Got) -> String {
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    got.headers[header::LOCATION].to_str().unwrap().to_owned()
}

/// Nobody came in: no session, nobody new, and the last line of the record says at what it ended.
async fn nobody_came(bench: &Bench, browser: &mut Browser<'_>, got: &Got, wrong: &str, at: &str) {
    assert_eq!(location(got), format!("/sign-in?wrong={wrong}"), "{at}");
    assert!(!browser.cookies.contains_key("yagura"), "{at}: {:?}", browser.cookies);
    assert_eq!(browser.get("/settings/profile").await.status, StatusCode::SEE_OTHER, "{at}");
    assert!(bench.store.people().list().await.unwrap().is_empty(), "{at}");
    let lines = bench.store.people().audit(&Default::default(), 1).await.unwrap();
    let line = lines.first().unwrap_or_else(|| panic!("{at}: no line"));
    assert_eq!((line.action.as_str(), line.target.as_str()), ("sign_in", at));
    let outcome = if wrong == "provider" { "failed" } else { "refused" };
    assert_eq!(line.outcome, outcome, "{at}");
    for lang in ["en", "ja"] {
        let page = bench.get_in(&location(got), lang).await;
        assert!(page.text.contains("role=\"alert\""), "{at}: the page says that nobody came in");
    }
}

/// A whole round trip with a provider that was changed, which must end at the token.
async fn check_token(change: impl FnOnce(&mut Said)) {
    check(change, "provider", "oidc token").await;
}

async fn check(change: impl FnOnce(&mut Said), wrong: &str, at: &str) {
    let provider = Provider::start().await;
    provider.say(change);
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    let got = ended(&mut browser, &state).await;
    nobody_came(&bench, &mut browser, &got, wrong, at).await;
}

fn claim(name: &'static str, value: impl Into<Value>) -> impl FnOnce(&mut Said) {
    let value = value.into();
    move |said| {
        said.claims.insert(name.to_owned(), value);
    }
}

fn now() -> i64 {
    NOW.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[tokio::test]
async fn an_honest_provider_lets_people_in() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    let got = ended(&mut browser, &state).await;
    assert_eq!(location(&got), "/settings/profile");
    assert!(browser.get("/settings/profile").await.text.contains("mori@hoshimi.example"));
    let people = bench.store.people().list().await.unwrap();
    assert_eq!((people.len(), people[0].role.as_str()), (1, "analyst"));
    let asked = provider.asked();
    let form = asked.iter().find_map(|one| one.strip_prefix("/token ")).unwrap();
    assert!(form.contains("code=one") && form.contains("code_verifier="), "{form}");
}

#[tokio::test]
async fn a_token_for_another_round_trip_is_refused() {
    check_token(claim("nonce", "of another")).await;
    check_token(claim("nonce", Value::Null)).await;
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    check_token(claim("aud", "other")).await;
    check_token(claim("aud", json!([]))).await;
    check_token(claim("aud", json!(["yagura", "other"]))).await;
    check_token(|said| {
        said.claims.insert("aud".into(), json!(["yagura", "other"]));
        said.claims.insert("azp".into(), "other".into());
    })
    .await;
    check_token(claim("azp", "other")).await;
    check(claim("azp", json!(["yagura"])), "provider", "oidc exchange").await;
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    check_token(claim("iss", "https://other.example")).await;
    check_token(|said| {
        let slash = format!("{}/", said.issuer);
        said.claims.insert("iss".into(), slash.into());
    })
    .await;
}

#[tokio::test]
async fn a_token_outside_of_its_time_is_refused() {
    check_token(claim("exp", now())).await;
    check_token(claim("exp", now() - 1)).await;
    check_token(claim("iat", now() + 61)).await;
    check_token(claim("nbf", now() + 61)).await;
    check_token(claim("nbf", "soon")).await;
}

#[tokio::test]
async fn a_token_without_what_it_must_have_is_refused() {
    check_token(claim("aud", Value::Null)).await;
    for name in ["iss", "sub", "exp", "iat"] {
        check(
            |said| {
                said.claims.insert(name.into(), Value::Null);
            },
            "provider",
            "oidc exchange",
        )
        .await;
    }
}

#[tokio::test]
async fn a_clock_a_little_ahead_is_no_reason() {
    let provider = Provider::start().await;
    provider.say(claim("iat", now() + 59));
    provider.say(claim("nbf", now() + 59));
    provider.say(claim("azp", "yagura"));
    provider.say(claim("email_verified", "true"));
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    assert_eq!(location(&ended(&mut browser, &state).await), "/settings/profile");
}

#[tokio::test]
async fn a_token_that_the_provider_did_not_sign_is_refused() {
    for signed in [
        Signed::ByNobody,
        Signed::ByNobodyWithSignature,
        Signed::WithSecret(b"a secret of tests".to_vec()),
        Signed::WithPublicKey,
        Signed::ByAnother,
        Signed::ByAnotherUnderItsName,
        Signed::WithoutSignature,
        Signed::Tampered,
    ] {
        check_token(|said| said.signed = signed).await;
    }
}

#[tokio::test]
async fn a_key_that_came_with_the_token_proves_nothing() {
    check_token(|said| {
        said.signed = Signed::ByAnotherUnderItsName;
        said.header_extra = json!({"jwk": said.other_key, "jku": "https://evil.example/keys"});
    })
    .await;
    check_token(|said| said.header_extra = json!({"crit": ["exp"]})).await;
}

#[tokio::test]
async fn keys_that_the_provider_changed_are_fetched_and_no_more_often_than_each_minute() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    provider.change_keys();
    let got = ended(&mut browser, &state).await;
    nobody_came(&bench, &mut browser, &got, "provider", "oidc token").await;
    let fetched = || provider.asked().iter().filter(|one| one.starts_with("/keys")).count();
    assert_eq!(fetched(), 1, "what was fetched this minute is believed");
    bench.pass_seconds(61);
    let state = begun(&provider, &mut browser).await;
    assert_eq!(location(&ended(&mut browser, &state).await), "/settings/profile");
    assert_eq!(fetched(), 2);
}

#[tokio::test]
async fn a_round_trip_ends_once_where_it_began() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    for foreign in ["", "?state=", "?code=one", "?code=one&state=made-up"] {
        let got = browser.get(&format!("{CALLBACK}{foreign}")).await;
        nobody_came(&bench, &mut browser, &got, "provider_lost", "oidc state").await;
    }
    let mut other = Browser::new(&bench);
    let own = begun(&provider, &mut other).await;
    let got = ended(&mut other, &state).await;
    nobody_came(&bench, &mut other, &got, "provider_lost", "oidc state").await;
    let got = ended(&mut browser, &state).await;
    nobody_came(&bench, &mut browser, &got, "provider_lost", "oidc state").await;
    assert!(!provider.asked().iter().any(|one| one.starts_with("/token")), "no code was sent on");
    let carried = other.cookies.clone();
    assert_eq!(location(&ended(&mut other, &own).await), "/settings/profile");
    let mut again = Browser::new(&bench);
    again.cookies = carried;
    assert_eq!(location(&ended(&mut again, &own).await), "/sign-in?wrong=provider_lost");
    assert!(!again.cookies.contains_key("yagura"));
}

#[tokio::test]
async fn a_round_trip_that_took_too_long_is_over() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    bench.pass_seconds(600);
    let got = ended(&mut browser, &state).await;
    nobody_came(&bench, &mut browser, &got, "provider_lost", "oidc state").await;
}

#[tokio::test]
async fn an_error_of_the_provider_ends_it() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    for query in ["error=access_denied", "error=x&code=one", "code=", ""] {
        let state = begun(&provider, &mut browser).await;
        let got = browser.get(&format!("{CALLBACK}?{query}&state={state}")).await;
        nobody_came(&bench, &mut browser, &got, "provider_refused", "oidc provider").await;
    }
    assert!(!provider.asked().iter().any(|one| one.starts_with("/token")));
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_refused() {
    for (status, text) in [
        (400, r#"{"error":"invalid_grant"}"#),
        (500, "down"),
        (200, ""),
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"access_token":"a","token_type":"Bearer","id_token":"a.b.c"}"#),
    ] {
        let ending = Ending::Status(status, text);
        check(|said| said.token = Some(ending), "provider", "oidc exchange").await;
    }
    let without = r#"{"access_token":"a","token_type":"Bearer"}"#;
    check_token(|said| said.token = Some(Ending::Status(200, without))).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_secret() {
    let elsewhere = Provider::start().await;
    let to = format!("{}/token", elsewhere.issuer());
    check(|said| said.token = Some(Ending::Redirect(to)), "provider", "oidc exchange").await;
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
}

#[tokio::test]
async fn answers_without_end_are_not_read() {
    check(|said| said.token = Some(Ending::Huge), "provider", "oidc exchange").await;
    check(
        |said| {
            said.claims.remove("groups");
            said.user_info = Some(Ending::Huge);
        },
        "provider",
        "oidc exchange",
    )
    .await;
    check_description(|said| said.discovery = Some(Ending::Huge)).await;
    check_description(|said| said.keys = Some(Ending::Huge)).await;
}

#[tokio::test]
async fn silence_ends() {
    check(|said| said.token = Some(Ending::Silence), "provider", "oidc exchange").await;
    check_description(|said| said.discovery = Some(Ending::Silence)).await;
    check_description(|said| said.keys = Some(Ending::Silence)).await;
}

/// The provider cannot even be described.
async fn check_description(change: impl FnOnce(&mut Said)) {
    let provider = Provider::start().await;
    provider.say(change);
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let got = browser.get("/sign-in/provider").await;
    nobody_came(&bench, &mut browser, &got, "provider", "oidc description").await;
}

#[tokio::test]
async fn a_description_of_another_issuer_is_refused() {
    let describe = |name: &'static str, value: &'static str| {
        check_description(move |said| {
            said.described.insert(name.into(), value.into());
        })
    };
    describe("issuer", "https://other.example").await;
    describe("issuer", "").await;
    describe("authorization_endpoint", "javascript:alert(1)").await;
    describe("jwks_uri", "file:///etc/passwd").await;
    check_description(|said| said.discovery = Some(Ending::Status(404, ""))).await;
    check_description(|said| said.discovery = Some(Ending::Status(200, "[]"))).await;
    check_description(|said| said.keys = Some(Ending::Status(200, "{}"))).await;
}

#[tokio::test]
async fn a_provider_that_is_silent_is_left_alone_for_a_while() {
    let provider = Provider::start().await;
    provider.say(|said| said.discovery = Some(Ending::Status(503, "")));
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    for _ in 0..3 {
        let got = browser.get("/sign-in/provider").await;
        nobody_came(&bench, &mut browser, &got, "provider", "oidc description").await;
    }
    assert_eq!(provider.asked().len(), 1, "{:?}", provider.asked());
    provider.say(|said| said.discovery = None);
    bench.pass_seconds(5);
    begun(&provider, &mut browser).await;
}

#[tokio::test]
async fn an_address_takes_nobodys_place() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let new = NewPerson {
        name: "mori@hoshimi.example".into(),
        subject: None,
        password: Some(hashed("correct horse battery").unwrap()),
        role: "admin".into(),
        accounts: None,
    };
    let people = bench.store.people();
    let owner = people.add(&new, NOW.parse().unwrap()).await.unwrap().unwrap();
    let mut browser = Browser::new(&bench);
    for email in ["mori@hoshimi.example", "MORI@hoshimi.example", " mori@hoshimi.example "] {
        provider.say(claim("email", email));
        let state = begun(&provider, &mut browser).await;
        let got = ended(&mut browser, &state).await;
        assert_eq!(location(&got), "/sign-in?wrong=provider_refused", "{email}");
        assert!(!browser.cookies.contains_key("yagura"), "{email}");
    }
    let all = people.list().await.unwrap();
    assert_eq!((all.len(), all[0].id, &all[0].subject), (1, owner, &None));
    let lines = people.audit(&Default::default(), 1).await.unwrap();
    assert_eq!((lines[0].target.as_str(), lines[0].outcome.as_str()), ("oidc person", "refused"));
}

#[tokio::test]
async fn an_address_that_is_not_verified_names_nobody() {
    check(claim("email_verified", false), "provider_refused", "oidc unverified").await;
    check(claim("email_verified", "false"), "provider_refused", "oidc unverified").await;
}

#[tokio::test]
async fn a_name_at_the_provider_is_not_a_person_here() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut first = Browser::new(&bench);
    let state = begun(&provider, &mut first).await;
    ended(&mut first, &state).await;
    provider.say(claim("sub", "somebody-else"));
    let mut second = Browser::new(&bench);
    let state = begun(&provider, &mut second).await;
    let got = ended(&mut second, &state).await;
    assert_eq!(location(&got), "/sign-in?wrong=provider_refused");
    assert_eq!(bench.store.people().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn odd_claims_of_roles_let_nobody_in() {
    for groups in [json!({"security": true}), json!([["security"]]), json!(null), json!(7)] {
        check(claim("groups", groups), "provider_refused", "oidc role").await;
    }
    check(claim("email", "a\u{202e}b"), "provider_refused", "oidc name").await;
    check(claim("email", json!(["a b"])), "provider", "oidc exchange").await;
}

#[tokio::test]
async fn user_info_of_another_subject_is_refused() {
    let other = r#"{"sub":"other","groups":["security"]}"#;
    check_token(|said| {
        said.claims.remove("groups");
        said.user_info = Some(Ending::Status(200, other));
    })
    .await;
}

#[tokio::test]
async fn user_info_does_not_vouch_for_the_address_of_the_token() {
    let provider = Provider::start().await;
    let info = r#"{"sub":"mori","email":"x@hoshimi.example","email_verified":true}"#;
    provider.say(|said| {
        said.claims.remove("email_verified");
        said.claims.insert("email".into(), "chief@hoshimi.example".into());
        said.user_info = Some(Ending::Status(200, info));
    });
    let domains = ["hoshimi.example".to_owned()].into();
    let bench = bench_with(&provider, |settings| settings.domains = domains).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    let got = ended(&mut browser, &state).await;
    nobody_came(&bench, &mut browser, &got, "provider_refused", "oidc domain").await;
}

#[tokio::test]
async fn who_is_locked_here_stays_outside_whatever_the_provider_says() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    ended(&mut browser, &state).await;
    let people = bench.store.people();
    let id = people.list().await.unwrap()[0].id;
    people.set_disabled(id, true).await.unwrap();
    let mut again = Browser::new(&bench);
    let state = begun(&provider, &mut again).await;
    let got = ended(&mut again, &state).await;
    assert_eq!(location(&got), "/sign-in?wrong=provider_refused");
    assert!(!again.cookies.contains_key("yagura"));
}

#[tokio::test]
async fn failures_without_end_do_not_fill_the_record() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    for n in 0..30 {
        let got = bench.get(&format!("{CALLBACK}?code=one&state=made-up-{n}")).await;
        assert_eq!(location(&got), "/sign-in?wrong=provider_lost");
    }
    assert_eq!(bench.store.people().audit(&Default::default(), 100).await.unwrap().len(), 20);
    let mut browser = Browser::new(&bench);
    let state = begun(&provider, &mut browser).await;
    assert_eq!(location(&ended(&mut browser, &state).await), "/settings/profile", "nobody waits");
}

#[tokio::test]
async fn an_issuer_over_tls_leads_nowhere_in_clear() {
    // Nothing answers at that name: the point is the page of the provider that would be asked
    // next, which must not be knocked at.
    let inside = Provider::start().await;
    let issuer = inside.issuer().replace("http://", "https://");
    let bench = bench_with(&inside, |settings| settings.issuer = issuer).await;
    let mut browser = Browser::new(&bench);
    let got = browser.get("/sign-in/provider").await;
    nobody_came(&bench, &mut browser, &got, "provider", "oidc description").await;
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn a_next_page_of_any_length_is_not_kept() {
    let provider = Provider::start().await;
    let bench = bench(&provider).await;
    let mut browser = Browser::new(&bench);
    let got = browser.get(&format!("/sign-in/provider?next=/{}", "x".repeat(5_000))).await;
    let to = location(&got);
    let state = to.split_once("state=").unwrap().1.split('&').next().unwrap().to_owned();
    let nonce = to.split_once("nonce=").unwrap().1.split('&').next().unwrap();
    provider.expect_nonce(nonce);
    assert_eq!(location(&ended(&mut browser, &state).await), "/");
}
