//! How one listed thing becomes a resource: who it is, where it lives, what the listing, the
//! lookups and the calls for it alone say of it.
//! INVARIANT: a call that fails makes exactly the attributes of its block unread, and no other.

use futures::future::join_all;
use serde_json::{Value, json};
use yagura_content::expression::{Decided, Env, Outcome, Root};
use yagura_content::format::Expression;
use yagura_model::{GLOBAL_REGION, Path, Resource, Truth, UnreadReason, resource_key};

use crate::caller::{Failure, Place};
use crate::inventory::bindings::of_resource;
use crate::inventory::call::is_absent;
use crate::inventory::lookup::Batch;
use crate::inventory::mapping::{Block, Origin, Statement, kind_of, write};
use crate::inventory::part::{Begun, Found, Part};
use crate::inventory::plan::TypeIndex;
use crate::inventory::shared::memo_key;
use crate::inventory::type_plan::DetailPlan;

impl<'e> Part<'e> {
    /// Who a listed thing is and where it lives; `None` if it has no identity or was seen before.
    pub(crate) async fn begin<'a>(&self, found: Found<'a>) -> Option<Begun<'a>> {
        let index = found.index;
        let mut resource = match self.identify(&found) {
            Ok(resource) => resource,
            Err(detail) => {
                self.misfit(index, detail).await;
                return None;
            }
        };
        self.locate(&found, &mut resource).await;
        if let Err(detail) = self.name(&found, &mut resource) {
            self.misfit(index, detail).await;
            return None;
        }
        self.is_new(index, &resource.key).then_some(Begun { found, resource })
    }

    /// What the listing, the lookups and the calls for it alone say of a resource.
    pub(crate) async fn finish(&self, begun: Begun<'_>, batches: &[Batch]) -> Resource {
        let Begun { found, mut resource } = begun;
        self.state_listed(&found, &mut resource).await;
        self.look_up(&found, batches, &mut resource).await;
        self.detail(&found, &mut resource).await;
        for unread in &self.engine.plan.at(found.index).not_requested {
            if !resource.unread.iter().any(|other| other.path == unread.path) {
                resource.unread.push(unread.clone());
            }
        }
        resource
    }

    /// The id, and the region if the listing says it.
    fn identify(&self, found: &Found<'_>) -> Result<Resource, String> {
        let identity = &self.engine.plan.at(found.index).definition.identity;
        let env = self.setting.env(found.parent).bind(Root::Item, &found.item);
        let id = text_of(&identity.id, &env)?.ok_or("an item has no id")?;
        let region = match &identity.region {
            Some(expression) => text_of(expression, &env)?,
            None => found
                .parent
                .filter(|parent| parent.region != GLOBAL_REGION)
                .map(|parent| parent.region.clone())
                .or_else(|| Some(self.setting.region.clone())),
        };
        Ok(Resource {
            id,
            region: region.unwrap_or_default(),
            type_name: self.engine.plan.at(found.index).name().to_owned(),
            account: self.place.account.clone(),
            ..Resource::default()
        })
    }

    /// Asks where a resource lives if the listing did not say.
    async fn locate(&self, found: &Found<'_>, resource: &mut Resource) {
        if !resource.region.is_empty() {
            return;
        }
        self.setting.region.clone_into(&mut resource.region);
        let plan = self.engine.plan.at(found.index);
        let (Some(ask), Some(locate)) = (&plan.locate, &plan.definition.locate) else { return };
        resource.name.clone_from(&resource.id);
        let input = {
            let env = of_resource(self.setting.env(found.parent), &found.item, resource);
            ask.input(&env)
        };
        let answer = match input {
            Ok(input) => self.engine.call(&self.place, &ask.name, &input).await,
            Err(failure) => Err(failure),
        };
        let output = match answer {
            Err(failure) if ask.is_absent(&failure) => Ok(json!({})),
            other => other,
        };
        let region = output.and_then(|output| {
            let env = of_resource(self.setting.env(found.parent), &found.item, resource)
                .bind(Root::Output, &output);
            text_of(&locate.region, &env)
                .map_err(|detail| ask.failed(detail))?
                .ok_or_else(|| ask.failed("the answer names no region"))
        });
        match region {
            Ok(region) => resource.region = region,
            Err(failure) => {
                resource.unread.push(ask.unread(Path::of_keys(["region"]), &failure));
            }
        }
    }

    /// The ARN, the key and the name; they may depend on the region.
    fn name(&self, found: &Found<'_>, resource: &mut Resource) -> Result<(), String> {
        let identity = &self.engine.plan.at(found.index).definition.identity;
        let env = self
            .setting
            .env(found.parent)
            .bind(Root::Item, &found.item)
            .bind_text(Root::Region, &resource.region);
        let arn = match &identity.arn {
            Some(expression) => text_of(expression, &env)?,
            None => None,
        };
        let name = match &identity.name {
            Some(expression) => text_of(expression, &env)?,
            None => None,
        };
        drop(env);
        resource.name = name.unwrap_or_else(|| resource.id.clone());
        resource.key = resource_key(
            arn.as_deref(),
            &resource.account,
            &resource.region,
            &resource.type_name,
            &resource.id,
        );
        resource.arn = arn;
        Ok(())
    }

    async fn state_listed(&self, found: &Found<'_>, resource: &mut Resource) {
        let ask = found.list.ask.as_ref();
        let origin = Origin {
            call: ask.map_or("", |ask| &ask.text),
            action: ask.map_or("", |ask| &ask.action),
        };
        let statement = {
            let env = of_resource(self.setting.env(found.parent), &found.item, resource)
                .bind(Root::Output, found.output);
            found.list.block.state(&env, found.emptied, origin)
        };
        self.accept(found.index, resource, statement).await;
    }

    async fn look_up(&self, found: &Found<'_>, batches: &[Batch], resource: &mut Resource) {
        for (plan, table) in self.tables(found, resource, batches).await {
            let origin = Origin { call: &plan.ask.text, action: &plan.ask.action };
            let statement = match &*table {
                Err(failure) => plan.block.all_unread(failure, origin),
                Ok(table) => {
                    let env = of_resource(self.setting.env(found.parent), &found.item, resource);
                    table.state(plan, env, origin)
                }
            };
            self.accept(found.index, resource, statement).await;
        }
    }

    /// The calls for this resource alone: those that depend on nothing at the same time, then
    /// those that look at what the ones above them said.
    async fn detail(&self, found: &Found<'_>, resource: &mut Resource) {
        let details = &self.engine.plan.at(found.index).details;
        let place = self.place_of(Some(resource));
        let independent = details.iter().filter(|detail| !detail.waits);
        let statements = {
            let resource = &*resource;
            join_all(independent.map(|plan| self.ask(found, plan, &place, resource))).await
        };
        let mut statements = statements.into_iter();
        for plan in details {
            let statement = if plan.waits {
                Some(self.ask(found, plan, &place, resource).await)
            } else {
                statements.next()
            };
            if let Some(statement) = statement {
                self.accept(found.index, resource, statement).await;
            }
        }
    }

    /// Makes one detail call and evaluates every block that lives from it.
    async fn ask(
        &self,
        found: &Found<'_>,
        plan: &DetailPlan<'_>,
        place: &Place,
        resource: &Resource,
    ) -> Statement {
        let ask = &plan.ask;
        let origin = Origin { call: &ask.text, action: &ask.action };
        let input = {
            let env = of_resource(self.setting.env(found.parent), &found.item, resource);
            match when(plan.when, &env) {
                Err(decided) => return plan.every(|b| b.all_undecided(&decided, origin)),
                Ok(false) => return Statement::default(),
                Ok(true) => ask.input(&env),
            }
        };
        let answer = match input {
            Err(failure) => Err(failure),
            Ok(input) if plan.shared => {
                let key = memo_key(place, &ask.name, &input);
                let call = async { self.engine.call(place, &ask.name, &input).await };
                Result::clone(&*self.answers.get(key, call).await)
            }
            Ok(input) => self.engine.call(place, &ask.name, &input).await,
        };
        let mut statement = Statement::default();
        for (detail, block) in &plan.blocks {
            statement.extend(match &answer {
                Ok(output) => self.read(found, block, resource, output, false, origin),
                Err(failure) if is_absent(&detail.absent, failure) => {
                    self.read(found, block, resource, &json!({}), true, origin)
                }
                Err(failure) => block.all_unread(failure, origin),
            });
        }
        statement
    }

    fn read(
        &self,
        found: &Found<'_>,
        block: &Block<'_>,
        resource: &Resource,
        output: &Value,
        emptied: bool,
        origin: Origin<'_>,
    ) -> Statement {
        let env = of_resource(self.setting.env(found.parent), &found.item, resource)
            .bind(Root::Output, output);
        block.state(&env, emptied, origin)
    }

    /// Writes what a block stated; answers that did not fit are said once.
    async fn accept(&self, index: TypeIndex, resource: &mut Resource, statement: Statement) {
        write(resource, statement.stated);
        for problem in statement.problems {
            let call = self.engine.plan.at(index).list_call();
            self.doubt(index, Failure::local(UnreadReason::Failed, call, problem)).await;
        }
    }
}

impl DetailPlan<'_> {
    fn every(&self, make: impl Fn(&Block<'_>) -> Statement) -> Statement {
        let mut statement = Statement::default();
        self.blocks.iter().for_each(|(_, block)| statement.extend(make(block)));
        statement
    }
}

/// Whether a detail is asked for.
fn when<'a>(condition: Option<&'a Expression>, env: &Env<'a>) -> Result<bool, Decided> {
    let Some(condition) = condition else { return Ok(true) };
    match condition.program().truth(env) {
        (Truth::True, _) => Ok(true),
        (Truth::False, _) => Ok(false),
        (Truth::Unknown, decided) => Err(decided),
    }
}

/// A text, a number as text, or nothing.
fn text_of<'a>(expression: &'a Expression, env: &Env<'a>) -> Result<Option<String>, String> {
    match expression.program().eval(env) {
        Outcome::Absent => Ok(None),
        Outcome::Value(Value::String(text)) if text.is_empty() => Ok(None),
        Outcome::Value(Value::String(text)) => Ok(Some(text)),
        Outcome::Value(Value::Number(number)) => Ok(Some(number.to_string())),
        Outcome::Value(other) => {
            Err(format!("`{}` is not a text but {}", expression.source(), kind_of(&other)))
        }
        Outcome::Unknown(decided) => {
            Err(decided.problems.first().cloned().unwrap_or_else(|| {
                format!("`{}` depends on something unread", expression.source())
            }))
        }
    }
}
