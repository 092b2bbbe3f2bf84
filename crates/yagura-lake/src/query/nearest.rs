//! Which known name was probably meant by an unknown one.
//! Case, underscores and a few letters may differ.

/// At most three names that are close to `name`, the closest first.
pub(crate) fn nearest(name: &str, all: &[String]) -> Vec<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(name);
    let mut scored: Vec<(usize, &String)> = all
        .iter()
        .filter_map(|candidate| {
            let known = plain(candidate);
            let allowed = (wanted.chars().count().max(known.chars().count()) / 3).max(1);
            let distance = distance(&wanted, &known);
            if distance <= allowed {
                Some((distance, candidate))
            } else if wanted.len() >= 3 && (known.contains(&wanted) || wanted.contains(&known)) {
                Some((allowed + 1, candidate))
            } else {
                None
            }
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// The number of letters to insert, remove or change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let all: Vec<String> =
            ["cloudtrail", "vpc_flow", "events", "aws_s3_bucket"].map(Into::into).into();
        let check = |name: &str, expected: &[&str]| assert_eq!(nearest(name, &all), expected);
        check("cloudtrial", &["cloudtrail"]);
        check("CloudTrail", &["cloudtrail"]);
        check("vpcflow", &["vpc_flow"]);
        check("event", &["events"]);
        check("bucket", &["aws_s3_bucket"]);
        check("zzzzzz", &[]);
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
