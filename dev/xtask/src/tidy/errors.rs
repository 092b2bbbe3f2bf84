//! Errors speak Japanese: each text that an error is written with stands in
//! `locales/ja/errors/`, and nothing stands there that no error says.
//! How a text is found there while the program runs is `yagura-report`'s `errors.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use camino::Utf8Path;
use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::Visit;

use super::Tree;

/// Where the Japanese is.
const FOLDER: &str = "locales/ja/errors";
/// What libraries and the system say stands there too; no source of ours has it.
const FOREIGN: &str = "locales/ja/errors/libraries.toml";
/// Macros that make an error of a text.
const MACROS: [&str; 3] = ["anyhow", "bail", "ensure"];
/// Functions whose texts are told with an error.
const REMEDIES: [&str; 2] = ["hint", "remedy"];

pub(super) fn in_japanese(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    let mut written: BTreeSet<String> = BTreeSet::new();
    for path in tree.files.iter().filter(|path| is_ours(path)) {
        let Some(text) = tree.text(path) else { continue };
        let file = syn::parse_file(&text).with_context(|| format!("cannot parse `{path}`"))?;
        let texts = Texts::of(&file);
        wanted.extend(texts.into_iter().map(|text| (text, path.to_string())));
        literals(text.parse().unwrap_or_default(), &mut written);
    }
    let mut problems = Vec::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for path in tree.files.iter().filter(|path| path.starts_with(FOLDER)) {
        let text = tree.text(path).with_context(|| format!("cannot read `{path}`"))?;
        let table: BTreeMap<String, String> =
            toml::from_str(&text).with_context(|| format!("cannot parse `{path}`"))?;
        for (english, japanese) in table {
            if path != FOREIGN && !written.contains(&english) {
                problems.push(format!("`{path}`: no source says `{english}`"));
            }
            if holes(&english) != holes(&japanese) {
                problems.push(format!("`{path}`: `{japanese}` must name what `{english}` names"));
            }
            if let Some(other) = known.insert(shape(&english), path.to_string()) {
                problems.push(format!("`{english}` stands in `{path}` and in `{other}`"));
            }
        }
    }
    let missing = wanted.iter().filter(|(text, _)| !known.contains_key(&shape(text)));
    problems.extend(missing.map(|(text, path)| {
        format!("`{path}`: the error `{text}` needs its Japanese in `{FOLDER}`")
    }));
    Ok(problems)
}

/// Whether a file is a source of the program.
fn is_ours(path: &Utf8Path) -> bool {
    let mut parts = path.components().map(|part| part.as_str());
    let is_crate = matches!(parts.next(), Some("crates" | "lib"));
    let is_source = parts.nth(1) == Some("src");
    is_crate && is_source && path.extension() == Some("rs") && path.file_stem() != Some("tests")
}

/// A text as it stands in the catalog: places that are filled have their name, those without a
/// name their number, and none says how it is written.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut number = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        if let Some(tail) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
            plain.push_str(after.get(..1).unwrap_or_default());
            rest = tail;
            continue;
        }
        let Some((inside, tail)) = after.get(1..).and_then(|inside| inside.split_once('}')) else {
            plain.push_str(after);
            return plain;
        };
        let name = inside.split(':').next().unwrap_or_default().trim();
        if name.is_empty() {
            plain.push_str(&format!("{{{number}}}"));
            number += 1;
        } else {
            plain.push_str(&format!("{{{name}}}"));
        }
        rest = tail;
    }
    plain.push_str(rest);
    plain
}

/// A text without the names of what fills it: texts of one shape are told the same way.
fn shape(text: &str) -> String {
    let mut parts = text.split('{');
    let begin = parts.next().unwrap_or_default().to_owned();
    parts.fold(begin, |shape, part| match part.split_once('}') {
        Some((_, after)) => shape + "{}" + after,
        None => shape + "{" + part,
    })
}

/// The names of the places that are filled.
fn holes(text: &str) -> BTreeSet<&str> {
    let named = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    named.map(|(name, _)| name).collect()
}

/// Whether a text has words, and not places that are filled and marks alone.
fn has_words(text: &str) -> bool {
    let outside = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    outside.flat_map(str::chars).any(char::is_alphabetic)
}

/// The texts that errors are written with.
#[derive(Default)]
struct Texts {
    found: BTreeSet<String>,
    /// Types of the file that are errors without a macro's help.
    errors: BTreeSet<String>,
}

impl Texts {
    fn of(file: &syn::File) -> BTreeSet<String> {
        let mut texts = Self::default();
        for item in &file.items {
            if let syn::Item::Impl(item) = item
                && item.trait_.as_ref().is_some_and(|(_, path, _)| ends_in(path, "Error"))
            {
                texts.errors.extend(type_name(&item.self_ty));
            }
        }
        texts.visit_file(file);
        texts.found
    }

    fn add(&mut self, text: &str) {
        let text = plain(text);
        if has_words(&text) {
            self.found.insert(text);
        }
    }

    /// The first text among a macro's words.
    fn add_first(&mut self, tokens: TokenStream) {
        let mut texts = tokens.into_iter().filter_map(text_of);
        if let Some(text) = texts.next() {
            self.add(&text);
        }
    }

    /// The texts that an expression may be.
    fn add_value(&mut self, value: &syn::Expr) {
        match value {
            syn::Expr::Lit(literal) => {
                if let syn::Lit::Str(text) = &literal.lit {
                    self.add(&text.value());
                }
            }
            syn::Expr::Macro(written) if ends_in(&written.mac.path, "format") => {
                self.add_first(written.mac.tokens.clone());
            }
            syn::Expr::Closure(closure) => self.add_value(&closure.body),
            syn::Expr::Paren(inner) => self.add_value(&inner.expr),
            syn::Expr::Reference(inner) => self.add_value(&inner.expr),
            syn::Expr::MethodCall(call) => self.add_value(&call.receiver),
            syn::Expr::Block(block) => self.add_last(&block.block),
            syn::Expr::If(choice) => {
                self.add_last(&choice.then_branch);
                if let Some((_, other)) = &choice.else_branch {
                    self.add_value(other);
                }
            }
            syn::Expr::Match(choice) => {
                for arm in &choice.arms {
                    self.add_value(&arm.body);
                }
            }
            _ => {}
        }
    }

    fn add_last(&mut self, block: &syn::Block) {
        if let Some(syn::Stmt::Expr(value, None)) = block.stmts.last() {
            self.add_value(value);
        }
    }

    /// Every text within.
    fn add_all(&mut self, tokens: TokenStream) {
        let mut texts = BTreeSet::new();
        literals(tokens, &mut texts);
        self.found.extend(texts.into_iter().filter(|text| has_words(text)));
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("error")
            && let syn::Meta::List(list) = &attribute.meta
        {
            self.add_first(list.tokens.clone());
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_test) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let shows = item.trait_.as_ref().is_some_and(|(_, path, _)| ends_in(path, "Display"));
        if shows && type_name(&item.self_ty).is_some_and(|name| self.errors.contains(&name)) {
            self.add_all(quote::ToTokens::to_token_stream(item));
        }
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if REMEDIES.iter().any(|name| item.sig.ident == name) {
            self.add_all(quote::ToTokens::to_token_stream(&item.block));
        }
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if REMEDIES.iter().any(|name| item.sig.ident == name) {
            self.add_all(quote::ToTokens::to_token_stream(&item.block));
        }
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_macro(&mut self, written: &'ast syn::Macro) {
        if !MACROS.iter().any(|name| ends_in(&written.path, name)) {
            return;
        }
        self.add_first(written.tokens.clone());
        let values = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(values) = written.parse_body_with(values) {
            values.iter().for_each(|value| self.visit_expr(value));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "context" || call.method == "with_context" {
            call.args.iter().for_each(|value| self.add_value(value));
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            let names: Vec<String> =
                path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            if names.ends_with(&["Hinted".to_owned(), "new".to_owned()]) {
                call.args.iter().for_each(|value| self.add_value(value));
            }
        }
        syn::visit::visit_expr_call(self, call);
    }
}

fn ends_in(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

fn type_name(of: &syn::Type) -> Option<String> {
    let syn::Type::Path(path) = of else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// Whether what follows is built for tests alone.
fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
}

/// Adds every text in a source, as it would stand in the catalog.
fn literals(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), into),
            token => into.extend(text_of(token).map(|text| plain(&text))),
        }
    }
}

fn text_of(token: TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    match syn::Lit::new(literal) {
        syn::Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let file = syn::parse_file(source).unwrap();
        let found = Texts::of(&file);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{source}");
    }

    #[test]
    fn texts_of_errors_are_found_wherever_they_are_written() {
        check(
            r#"enum E { #[error("no `{path}`: {}", .0.x)] A, #[error(transparent)] B }"#,
            &["no `{path}`: {0}"],
        );
        check(r#"fn f() { bail!("a {x:?} and {}", y) }"#, &["a {x} and {0}"]);
        check(r#"fn f() { g().with_context(|| format!("cannot {x}"))?; }"#, &["cannot {x}"]);
        check(r#"fn f() { ensure!(x, Hinted::new(format!("a {b}"), "c")); }"#, &["a {b}", "c"]);
        check(
            r#"fn f() { Hinted::new(if a { "b" } else { "c" }, format!("d")); }"#,
            &["b", "c", "d"],
        );
        check(
            r#"impl E { fn remedy(&self) -> &str { match self { A => "do", B => "{a}" } } }"#,
            &["do"],
        );
        check(
            r#"impl Error for E {} impl Display for E { fn f() { write!(f, "is {0}") } }"#,
            &["is {0}"],
        );
        check(r#"#[cfg(test)] mod tests { fn f() { bail!("a") } } fn g() { "b"; }"#, &[]);
    }

    #[test]
    fn a_text_is_plain_without_how_it_is_written() {
        assert_eq!(plain("{a:>3} {} {:?} {{b}} {0}"), "{a} {0} {1} {b} {0}");
    }
}
