//! `yagura access escalations`: who can come to act as an administrator, or to do a named thing,
//! step by step, with the proof of each step and the change that closes the way.
//! Finding the ways is analyze's; what a step is called is content's.

use iam_policy::ContextValue;
use serde_json::{Value, json};
use yagura_analyze::access::escalation::{
    Certainty, Cut, EscalationPath, Escalations, Goal, Hop, Reached,
};
use yagura_analyze::access::{Ask, World};
use yagura_content::Content;
use yagura_model::Lang;
use yagura_model::escalation::{Escalation, Gain};
use yagura_report::{access as words, grouped};

use super::{EscalationsArgs, ask, inventory};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output;
use crate::rows::Rows;

/// Lists the ways, or tells those of one principal in full.
pub(super) async fn list(context: &Context, args: &EscalationsArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let ways: Vec<Escalation> = content.escalations.values().map(|it| it.escalation()).collect();
    let of = |way: &Escalation| match &way.gains {
        Gain::RoleOf(type_name) => Some(type_name.clone()),
        _ => None,
    };
    let types: Vec<String> = ways.iter().filter_map(of).collect();
    let (world, resources) = inventory(context, args.at.as_deref(), types).await?;
    let resource = match &args.action {
        Some(action) => ask::resource_asked(action, args.resource.as_deref())?,
        None => String::new(),
    };
    let known: Vec<(String, ContextValue)> = Vec::new();
    let goal = match &args.action {
        None => Goal::Administrator,
        Some(action) => Goal::Doing(Ask {
            principal: "",
            action,
            resource: &resource,
            resource_account: None,
            context: known,
        }),
    };
    let found = world.escalations(&ways, &resources, &goal);
    let wanted = |from: &str| args.from.as_deref().is_none_or(|asked| asked == from);
    let paths: Vec<_> = found.paths.iter().filter(|path| wanted(&path.from)).collect();
    let view = View { lang: context.lang, world: &world, content: &content };
    match args.rows.format {
        RowFormat::Json => {
            for path in &paths {
                output::line(&view.json(path).to_string())?;
            }
        }
        _ if args.from.is_some() => {
            for path in &paths {
                for line in view.story(path) {
                    output::line(&line)?;
                }
            }
        }
        format => view.table(&paths).write(format)?,
    }
    remark(context, &found, paths.len());
    let unsure = found.there.iter().any(|(_, certainty)| *certainty == Certainty::Unknown)
        || paths.iter().any(|path| path.certainty() == Certainty::Unknown);
    Ok(if unsure { Exit::PartlyBlind } else { Exit::Done })
}

/// What the list does not show.
fn remark(context: &Context, found: &Escalations, shown: usize) {
    let unknown = found.there.iter().filter(|(_, it)| *it == Certainty::Unknown).count();
    let there = grouped((found.there.len() - unknown) as u64);
    let (ways, unknown) = (grouped(shown as u64), grouped(unknown as u64));
    context.remark_in(
        &format!("{ways} ways; {there} principals are there already, of {unknown} it is unknown"),
        &format!("経路 {ways} 件。すでに到達しているプリンシパル {there} 件、不明 {unknown} 件"),
    );
    if !found.blind.is_empty() {
        let blind = found.blind.join(", ");
        context.remark_in(
            &format!("not looked at, because the inventory does not list their resources: {blind}"),
            &format!("対象のリソースがインベントリにないため、調べていない経路: {blind}"),
        );
    }
    if found.left_out > 0 {
        let left_out = grouped(found.left_out);
        context.remark_in(
            &format!("{left_out} steps were left out: too many of a kind from one principal"),
            &format!("{left_out} 件の手順は、同じプリンシパルからの同種の手順が多いため省きました"),
        );
    }
}

struct View<'v> {
    lang: Lang,
    world: &'v World,
    content: &'v Content,
}

impl View<'_> {
    fn title(&self, hop: &Hop) -> String {
        let known = self.content.escalations.get(&hop.escalation);
        known.map_or_else(|| hop.escalation.clone(), |it| it.title.get(self.lang).to_owned())
    }

    fn certainty(&self, certainty: Certainty) -> &'static str {
        match (self.lang, certainty) {
            (Lang::En, Certainty::Certain) => "open",
            (Lang::En, Certainty::Conditional) => "open under conditions",
            (Lang::En, Certainty::Unknown) => "unknown",
            (Lang::Ja, Certainty::Certain) => "可能",
            (Lang::Ja, Certainty::Conditional) => "条件次第で可能",
            (Lang::Ja, Certainty::Unknown) => "不明",
        }
    }

    fn reached(&self, reached: &Reached) -> String {
        match (self.lang, reached) {
            (_, Reached::Principal(arn) | Reached::Group(arn)) => arn.clone(),
            (Lang::En, Reached::Strengthened(arn)) => format!("{arn}, given everything"),
            (Lang::Ja, Reached::Strengthened(arn)) => format!("{arn}（全権限を付与）"),
            (Lang::En, Reached::Unbounded(arn)) => format!("{arn}, without its boundary"),
            (Lang::Ja, Reached::Unbounded(arn)) => format!("{arn}（境界を削除）"),
            (Lang::En, Reached::EveryAccount) => "every account of the organization".to_owned(),
            (Lang::Ja, Reached::EveryAccount) => "組織のすべてのアカウント".to_owned(),
        }
    }

    fn table(&self, paths: &[&EscalationPath]) -> Rows {
        let columns = [
            ("principal", "プリンシパル"),
            ("steps", "手順数"),
            ("certainty", "可否"),
            ("first", "最初の手順"),
            ("ends_as", "到達先"),
            ("cut", "外す権限"),
        ];
        let mut rows = Rows::new(self.lang, &columns);
        for path in paths {
            let first = path.hops.first().map(|hop| self.title(hop)).unwrap_or_default();
            let last = path.hops.last().map(|hop| self.reached(&hop.to)).unwrap_or_default();
            let cut = self.world.smallest_cut(path).map(|cut| self.cut(&cut)).unwrap_or_default();
            rows.push(vec![
                json!(path.from),
                json!(path.hops.len()),
                json!(self.certainty(path.certainty())),
                json!(first),
                json!(last),
                json!(cut),
            ]);
        }
        rows
    }

    /// The change that closes a way, on a line.
    fn cut(&self, cut: &Cut) -> String {
        let places = cut.statements.iter().map(|(policy, number)| {
            let name = policy.as_ref().map_or("?", |policy| policy.name.as_str());
            match self.lang {
                Lang::En => format!("`{name}` statement {}", number + 1),
                Lang::Ja => format!("「{name}」の {} 番目のステートメント", number + 1),
            }
        });
        let places: Vec<String> = places.collect();
        match self.lang {
            Lang::En => format!("{} in {}", cut.action, places.join(", ")),
            Lang::Ja => format!("{}（{}）", cut.action, places.join("、")),
        }
    }

    /// A way told in full.
    fn story(&self, path: &EscalationPath) -> Vec<String> {
        let mut lines = vec![format!("{} ({})", path.from, self.certainty(path.certainty()))];
        for (number, hop) in path.hops.iter().enumerate() {
            let through = hop.through.as_ref().map(|it| format!(" [{it}]")).unwrap_or_default();
            let (title, reached) = (self.title(hop), self.reached(&hop.to));
            lines.push(format!("{}. {title}{through} → {reached}", number + 1));
            if let Some(known) = self.content.escalations.get(&hop.escalation) {
                lines.push(format!("   {}", known.how.get(self.lang)));
            }
            for proof in &hop.proofs {
                lines.push(format!("   - {} {}", proof.action, proof.resource));
                let reasons = words::reasons(self.lang, &proof.answer, false);
                lines.extend(reasons.into_iter().map(|reason| format!("     {reason}")));
            }
        }
        if let Some(cut) = self.world.smallest_cut(path) {
            let word = match self.lang {
                Lang::En => "Closed by taking away",
                Lang::Ja => "この権限を外すと閉じます",
            };
            lines.push(format!("{word}: {}", self.cut(&cut)));
            let hop = path.hops.get(cut.hop).map(|hop| hop.escalation.as_str());
            if let Some(known) = hop.and_then(|id| self.content.escalations.get(id)) {
                lines.push(format!("  {}", known.close.get(self.lang)));
            }
        }
        lines
    }

    /// The names of members are promises.
    fn json(&self, path: &EscalationPath) -> Value {
        let english = View { lang: Lang::En, ..*self };
        let hops = path.hops.iter().map(|hop| {
            let proofs = hop.proofs.iter().map(|proof| {
                let asked = Ask {
                    principal: &hop.from,
                    action: &proof.action,
                    resource: &proof.resource,
                    resource_account: None,
                    context: Vec::new(),
                };
                ask::as_json(&asked, &proof.answer)
            });
            json!({
                "escalation": hop.escalation,
                "title": self.title(hop),
                "from": hop.from,
                "to": english.reached(&hop.to),
                "through": hop.through,
                "certainty": english.certainty(hop.certainty),
                "proofs": proofs.collect::<Vec<_>>(),
            })
        });
        let cut = self.world.smallest_cut(path).map(|cut| {
            let statements = cut.statements.iter().map(|(policy, number)| {
                let layer = policy.as_ref().map(|policy| policy.layer.name());
                let name = policy.as_ref().map(|policy| policy.name.as_str());
                json!({"layer": layer, "policy": name, "statement": number + 1})
            });
            let statements: Vec<Value> = statements.collect();
            let (action, resource) = (cut.action, cut.resource);
            json!({"hop": cut.hop + 1, "action": action, "resource": resource,
                   "statements": statements})
        });
        json!({
            "principal": path.from,
            "certainty": english.certainty(path.certainty()),
            "hops": hops.collect::<Vec<_>>(),
            "cut": cut,
        })
    }
}
