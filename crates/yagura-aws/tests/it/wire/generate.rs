//! Makes values that fit a shape, from a seed.
//! What cannot make the round trip by the protocol's own nature is not made.

use serde_json::{Map, Value, json};
use yagura_aws::api::{Kind, Location, Member, Shape};

/// Splitmix64: small, and the same everywhere.
pub(super) struct Seed(pub(super) u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const TEXTS: [&str; 7] = [
    "x",
    "two words",
    "日本語 \u{1F600}",
    "a<b>&\"'</a>",
    "line\nbreak\ttab",
    "a/b?c=d&e+f%20",
    "",
];
const PLAIN: [&str; 4] = ["x", "a-b_c.d~e", "with space", "a,b"];
const TIMES: [&str; 3] = ["2026-11-21T19:50:00Z", "1969-12-31T23:59:59Z", "2000-02-29T12:00:00Z"];

pub(super) struct Generator {
    pub(super) seed: Seed,
}

impl Generator {
    /// A structure for an input or output; deeper ones get fewer members.
    pub(super) fn structure(&mut self, shape: Shape<'_>, depth: usize) -> Value {
        let mut out = Map::new();
        let all: Vec<Member<'_>> = shape.members().collect();
        if shape.is_union() {
            if !all.is_empty() {
                let member = all[self.seed.below(all.len())];
                out.insert(member.name().to_owned(), self.member(member, depth + 1));
            }
            return Value::Object(out);
        }
        for member in &all {
            let wanted = member.is_required() || self.seed.below(3 + depth) == 0;
            if wanted && (member.is_required() || depth < 5) {
                out.insert(member.name().to_owned(), self.member(*member, depth + 1));
            }
        }
        // A form cannot say "an empty structure".
        if let Some(first) = all.first().filter(|_| out.is_empty() && depth > 0 && depth < 12) {
            out.insert(first.name().to_owned(), self.member(*first, depth + 1));
        }
        Value::Object(out)
    }

    fn member(&mut self, member: Member<'_>, depth: usize) -> Value {
        if member.is_json_value() {
            return json!({"any": [1, "x"]});
        }
        if member.is_host_label() {
            return "label-1".into();
        }
        match member.location() {
            Location::Body => self.value(member.shape(), depth, false),
            Location::StatusCode => json!(200),
            Location::Headers => json!({"suffix": "value"}),
            _ => self.value(member.shape(), depth, true),
        }
    }

    /// `plain`: for headers, query strings and labels, whose alphabet is small.
    fn value(&mut self, shape: Shape<'_>, depth: usize, plain: bool) -> Value {
        if shape.is_document() {
            return json!({"free": [null, 1.5, {"x": "y"}]});
        }
        match shape.kind() {
            Kind::Structure => self.structure(shape, depth),
            Kind::List => {
                let element = shape.element().unwrap().shape();
                let count = if depth > 7 { 1 } else { 1 + self.seed.below(2) };
                (0..count).map(|_| self.value(element, depth + 1, plain)).collect()
            }
            Kind::Map => {
                let value = shape.value().unwrap().shape();
                let key = if plain { "key" } else { self.seed.pick(&["key", "鍵 1"]) };
                let value = self.value(value, depth + 1, plain);
                Value::Object(Map::from_iter([(key.to_owned(), value)]))
            }
            Kind::String if plain => self.seed.pick(&PLAIN).into(),
            Kind::String => self.seed.pick(&TEXTS).into(),
            Kind::Boolean => (self.seed.below(2) == 0).into(),
            Kind::Integer => json!(self.seed.pick(&[&0, &7, &-1, &i32::MAX])),
            Kind::Long => json!(self.seed.pick(&[&0, &i64::MAX, &i64::MIN])),
            Kind::Float | Kind::Double => {
                let number = *self.seed.pick(&[&0.5, &-2.25, &1e-7, &123_456.75]);
                if self.seed.below(8) == 0 { json!("NaN") } else { json!(number) }
            }
            Kind::Timestamp => self.seed.pick(&TIMES).into(),
            Kind::Blob => self.seed.pick(&["aGk=", "AP8B", "Zg=="]).into(),
        }
    }
}
