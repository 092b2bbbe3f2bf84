//! What is remembered of imports and pushes: cursors, members, what was told.

use std::collections::BTreeSet;

use yagura_store::imports::{ImportCursor, Imports, Member, Pushed, PushedHash, Said};

use crate::bed::{at, beds};

const GUARDDUTY: &str = "guardduty/111122223333/eu-west-1";
const HUB: &str = "securityhub/111122223333/eu-west-1";
const FILE: &str = "file/guardduty";

fn id(n: u8) -> String {
    format!("{n:032x}")
}

fn member(original: u8, finding: u8, active: bool) -> Member {
    Member { original: [original; 16], finding: id(finding), hash: [7; 16], active }
}

fn findings(ids: &[u8]) -> BTreeSet<String> {
    ids.iter().map(|n| id(*n)).collect()
}

async fn unseen(imports: &Imports, scope: &str) -> Vec<Member> {
    let run = imports.begin(scope).await.unwrap();
    imports.unseen(run).await.unwrap()
}

#[tokio::test]
async fn a_cursor_goes_on_and_never_back() {
    for bed in beds().await {
        let imports = bed.open().await.imports();
        let run = imports.begin(GUARDDUTY).await.unwrap();
        assert_eq!(imports.cursors().await.unwrap()[GUARDDUTY], ImportCursor::default());
        imports.end(run, Some(50), true, at(1)).await.unwrap();
        imports.end(run, Some(40), false, at(2)).await.unwrap();
        imports.end(run, None, false, at(3)).await.unwrap();
        let whole_us = Some(at(1).as_microsecond());
        let expected = ImportCursor { changed_us: Some(50), whole_us };
        assert_eq!(imports.cursors().await.unwrap()[GUARDDUTY], expected);
    }
}

#[tokio::test]
async fn what_a_reading_did_not_see_is_told_until_it_is_remembered_as_over() {
    for bed in beds().await {
        let imports = bed.open().await.imports();
        let run = imports.begin(GUARDDUTY).await.unwrap();
        let members = [member(1, 1, true), member(2, 1, true), member(3, 2, false)];
        imports.remember(run, &members).await.unwrap();
        assert_eq!(imports.unseen(run).await.unwrap(), []);
        let run = imports.begin(GUARDDUTY).await.unwrap();
        imports.saw(run, &[[1; 16], [9; 16]]).await.unwrap();
        assert_eq!(imports.unseen(run).await.unwrap(), [member(2, 1, true)]);
        assert_eq!(imports.unseen(run).await.unwrap(), [member(2, 1, true)], "and again");
        imports.remember(run, &[member(2, 1, false)]).await.unwrap();
        assert_eq!(imports.unseen(run).await.unwrap(), []);
        assert_eq!(unseen(&imports, HUB).await, [], "another place says nothing of this one");
    }
}

#[tokio::test]
async fn a_finding_is_active_for_as_long_as_one_member_is() {
    for bed in beds().await {
        let imports = bed.open().await.imports();
        let direct = imports.begin(GUARDDUTY).await.unwrap();
        let hub = imports.begin(HUB).await.unwrap();
        let file = imports.begin(FILE).await.unwrap();
        imports.remember(direct, &[member(1, 1, true), member(2, 2, true)]).await.unwrap();
        imports.remember(hub, &[member(1, 1, true)]).await.unwrap();
        imports.remember(file, &[member(2, 2, true), member(4, 4, true)]).await.unwrap();
        let over = [[1; 16], [2; 16]].into_iter().collect();
        let asked = findings(&[1, 2, 4]);
        let active =
            async |run, said| imports.still_active(run, &asked, &over, said).await.unwrap();
        let outright = active(direct, Said::Outright).await;
        assert_eq!(outright, findings(&[]), "over is over, and a file outweighs no service");
        let by_silence = active(direct, Said::BySilence).await;
        assert_eq!(by_silence, findings(&[1]), "the other place still lists it");
        let of_file = active(file, Said::BySilence).await;
        assert_eq!(of_file, findings(&[1, 2, 4]));
        let known = imports.known(hub, &[[1; 16]]).await.unwrap();
        let mut places: Vec<(bool, &str)> =
            known.iter().map(|one| (one.here, one.scope.as_str())).collect();
        places.sort_unstable();
        assert_eq!(places, [(false, GUARDDUTY), (true, HUB)]);
    }
}

#[tokio::test]
async fn what_was_told_is_remembered_per_target() {
    for bed in beds().await {
        let imports = bed.open().await.imports();
        let told = |hash, open| PushedHash { hash: [hash; 16], open };
        let one = |n, told| Pushed { finding: id(n), told };
        let all = [one(1, told(1, true)), one(2, told(2, true))];
        imports.remember_pushed("a", &all, at(1)).await.unwrap();
        imports.remember_pushed("a", &[one(1, told(3, false))], at(2)).await.unwrap();
        let asked: Vec<String> = findings(&[1, 2, 3]).into_iter().collect();
        let known = imports.pushed("a", &asked).await.unwrap();
        assert_eq!(known.len(), 2);
        assert_eq!((known[&id(1)], known[&id(2)]), (told(3, false), told(2, true)));
        assert!(imports.pushed("b", &asked).await.unwrap().is_empty());
        assert!(imports.pushed("a", &["no id".to_owned()]).await.is_err());
    }
}
