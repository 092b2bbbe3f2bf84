//! Threat lists, end to end: fetched from a server that fails, delays and lies, kept, and asked.
//! How lists are read and matched is tested in `yagura-analyze` and `yagura-judge`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::program::{Home, Ran};

/// What the server answers, one after the other; the last again and again.
#[derive(Clone, Debug)]
enum Answer {
    /// Status, further header lines, body.
    Whole(u16, &'static str, String),
    /// A body that ends before its length.
    Short(String),
    /// Nothing, and the connection stays open.
    Silent,
}

/// A server on loopback, and what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(VecDeque::<Answer>::new()));
        let (to, from) = (Arc::clone(&asked), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (to, from) = (Arc::clone(&to), Arc::clone(&from));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        let mut piece = [0; 1024];
                        match stream.read(&mut piece).await {
                            Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
                            _ => return,
                        }
                    }
                    to.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                    let answer = {
                        let mut answers = from.lock().unwrap();
                        let next = answers.pop_front().expect("an answer was prepared");
                        if answers.is_empty() {
                            answers.push_back(next.clone());
                        }
                        next
                    };
                    let text = match answer {
                        Answer::Whole(status, headers, body) => format!(
                            "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\
                             {headers}\r\n{body}",
                            body.len()
                        ),
                        Answer::Short(body) => format!(
                            "HTTP/1.1 200 x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                            body.len() + 100
                        ),
                        Answer::Silent => std::future::pending().await,
                    };
                    let _ = stream.write_all(text.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, asked, answers }
    }

    fn answers(&self, answer: Answer) {
        *self.answers.lock().unwrap() = VecDeque::from([answer]);
    }

    fn last_asked(&self) -> String {
        self.asked.lock().unwrap().last().cloned().unwrap_or_default().to_lowercase()
    }
}

/// A home with one list from the server, and AWS's ranges from a file.
fn home(server: &Server) -> Home {
    let home = Home::offline();
    home.write(
        "data/site/intelligence.yaml",
        &format!(
            "lists:\n  - name: feed\n    kind: threat\n    category: c2\n    from: {}/list\n    \
             headers: {{X-Key: FEED_KEY}}\n    refresh: 1h\n  - name: ours\n    kind: trusted\n    \
             from: lists/ours.txt\naws_ranges: {{from: ranges.json}}\n",
            server.url
        ),
    );
    home.write("data/site/lists/ours.txt", "# ours\n203.0.113.0/28\n");
    let ranges = json!({"createDate": "2026-11-21-05-12-01", "prefixes": [
        {"ip_prefix": "198.51.100.0/25", "region": "us-east-1", "service": "EC2"}]});
    home.write("data/site/ranges.json", &ranges.to_string());
    home
}

async fn refresh(home: &Home, more: &[&str]) -> Ran {
    let arguments = ["intelligence", "refresh", "--format", "json", "--fetch-timeout", "2"];
    let child = home
        .command(&[&arguments, more].concat())
        .env("FEED_KEY", "secret-of-the-feed")
        .spawn()
        .unwrap();
    crate::program::ended(child).await
}

fn row(ran: &Ran, name: &str) -> Value {
    let rows = ran.records();
    rows.into_iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{}", ran.out))
}

async fn look(home: &Home, what: &str) -> Vec<(String, String)> {
    let ran = home.run(&["intelligence", "look", what, "--format", "json"]).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ran.records().iter().map(|row| (text(&row["told_by"]), text(&row["verdict"]))).collect()
}

const LIST: &str = "# feed\n198.51.100.7\nbad.example\nnot an entry\n203.0.113.5\n";

#[tokio::test]
async fn a_list_is_fetched_once_and_asked_for_changes() {
    let server = Server::new().await;
    let home = home(&server);
    server.answers(Answer::Whole(200, "ETag: \"v1\"\r\n", LIST.to_owned()));
    let first = row(&refresh(&home, &[]).await.exits(0), "feed");
    assert_eq!(
        (&first["state"], &first["entries"], &first["bad"]),
        (&json!("replaced"), &json!(3), &json!(1))
    );
    assert!(server.last_asked().contains("x-key: secret-of-the-feed"));
    let second = row(&refresh(&home, &[]).await.exits(0), "feed");
    assert_eq!(second["state"], "fresh");
    server.answers(Answer::Whole(304, "", String::new()));
    let third = row(&refresh(&home, &["--force"]).await.exits(0), "feed");
    assert_eq!(third["state"], "unchanged");
    assert!(server.last_asked().contains("if-none-match: \"v1\""), "{}", server.last_asked());
}

#[tokio::test]
async fn what_is_on_lists_is_told_with_its_network() {
    let server = Server::new().await;
    let home = home(&server);
    server.answers(Answer::Whole(200, "", LIST.to_owned()));
    refresh(&home, &[]).await.exits(0);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let both =
        [pair("feed", "threat"), pair("iana", "documentation"), pair("aws_ranges", "inside")];
    assert_eq!(look(&home, "198.51.100.7").await, both);
    assert_eq!(look(&home, "x.BAD.example").await, [pair("feed", "threat")]);
    let trusted = look(&home, "203.0.113.5").await;
    assert_eq!(trusted[..2], [pair("ours", "trusted"), pair("feed", "threat")]);
    assert_eq!(look(&home, "good.example").await, []);
    let bad = home.run(&["intelligence", "list", "--bad", "--lang", "ja"]).await.exits(0);
    assert!(bad.out.contains("4 行目") && bad.out.contains("not an entry"), "{}", bad.out);
}

#[tokio::test]
async fn a_server_that_fails_delays_or_lies_takes_no_list_away() {
    let server = Server::new().await;
    let home = home(&server);
    server.answers(Answer::Whole(200, "", LIST.to_owned()));
    refresh(&home, &[]).await.exits(0);
    let page = format!("<p>Welcome to the hotel</p>\n{}", "please sign in first\n".repeat(9));
    for (answer, why) in [
        (Answer::Whole(500, "", "192.0.2.1".to_owned()), "status 500"),
        (Answer::Whole(403, "", String::new()), "status 403"),
        (Answer::Whole(200, "", page), "not taken for a list"),
        (Answer::Short("192.0.2.1\n".to_owned()), "connection failed"),
        (Answer::Silent, "within 2 seconds"),
        (Answer::Whole(302, "Location: /list\r\n", String::new()), "redirection"),
        (Answer::Whole(302, "Location: file:///etc/passwd\r\n", String::new()), "redirection"),
    ] {
        server.answers(answer);
        let ran = refresh(&home, &["--force", "feed"]).await.exits(3);
        let row = row(&ran, "feed");
        assert_eq!(row["state"], "failed", "{row}");
        assert!(row["reason"].as_str().unwrap().contains(why), "{why}: {row}");
        assert!(!ran.out.contains("secret-of-the-feed") && !ran.err.contains("secret-of-the-feed"));
        assert_eq!(look(&home, "198.51.100.7").await[0].0, "feed", "{why}");
    }
    let list = home.run(&["intelligence", "list"]).await.exits(0);
    assert!(list.err.contains("the list `feed` is of"), "{}", list.err);
    server.answers(Answer::Whole(200, "", "192.0.2.1\n".to_owned()));
    refresh(&home, &["--force", "feed"]).await.exits(0);
    assert_eq!(look(&home, "198.51.100.7").await[0].0, "iana");
    assert_eq!(look(&home, "192.0.2.1").await[0].0, "feed");
}

#[tokio::test]
async fn a_list_that_never_came_is_told_wherever_it_is_asked() {
    let server = Server::new().await;
    let home = home(&server);
    server.answers(Answer::Whole(503, "", String::new()));
    refresh(&home, &[]).await.exits(3);
    let ran = home.run(&["intelligence", "look", "bad.example"]).await.exits(3);
    assert!(ran.err.contains("the list `feed` is not there"), "{}", ran.err);
    assert!(ran.err.contains("status 503"), "{}", ran.err);
}

#[tokio::test]
async fn a_mistake_in_the_sites_file_is_told_with_its_place() {
    let home = Home::offline();
    home.write(
        "data/site/intelligence.yaml",
        "lists:\n  - name: Feed\n    kind: threat\n    from: https://lists.example/a\n",
    );
    let ran = home.run(&["content", "lint"]).await;
    assert!(
        ran.out.contains("intelligence.yaml:2:11") || ran.err.contains("intelligence.yaml:2:11"),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = home.run(&["intelligence", "refresh", "nonesuch"]).await.exits(2);
    assert!(ran.err.contains("no list is called `nonesuch`"), "{}", ran.err);
}
