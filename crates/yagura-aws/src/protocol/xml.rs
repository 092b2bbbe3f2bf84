//! A small tree of an XML document: elements, attributes, text. Entities and DTDs are refused.
//! What the elements mean is in `xml_body.rs`.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// The deepest answer of AWS nests about twenty elements.
const DEPTH_MAX: usize = 128;

/// One element. Children are found through [`Tree::children`].
#[derive(Debug, Default)]
pub struct Element<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, String)>,
    text: Cow<'a, str>,
    first_child: u32,
    next_sibling: u32,
}

/// A document as a flat list of elements; the root is the first.
#[derive(Debug)]
pub struct Tree<'a> {
    elements: Vec<Element<'a>>,
}

/// An element together with its tree.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t, 'a> {
    tree: &'t Tree<'a>,
    element: &'t Element<'a>,
}

impl<'a> Tree<'a> {
    /// Reads a whole document.
    ///
    /// # Errors
    /// What is wrong with it: broken, truncated, too deep, with a DTD or an unknown entity.
    pub fn parse(text: &'a str) -> Result<Tree<'a>, String> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        reader.config_mut().expand_empty_elements = false;
        let mut builder = Builder::default();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => builder.open(&start, text)?,
                Event::Empty(start) => {
                    builder.open(&start, text)?;
                    builder.close();
                }
                Event::End(_) => builder.close(),
                Event::Text(piece) => builder.text(piece.xml10_content())?,
                Event::CData(piece) => builder.text(piece.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character =
                        reference.resolve_char_ref().map_err(|error| error.to_string())?;
                    match (character, resolve_predefined_entity(&reference)) {
                        (Some(character), _) => builder.text(character.to_string().into())?,
                        (None, Some(known)) => builder.text(known.into())?,
                        (None, None) => {
                            return Err(format!("the entity `{}` is refused", &*reference));
                        }
                    }
                }
                Event::DocType(_) => return Err("a document type is refused".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        builder.finish()
    }

    /// The outermost element.
    #[must_use]
    pub fn root(&self) -> Option<Node<'_, 'a>> {
        self.elements.first().map(|element| Node { tree: self, element })
    }
}

#[derive(Default)]
struct Builder<'a> {
    elements: Vec<Element<'a>>,
    /// The open elements: their index and that of their last child so far.
    open: Vec<(u32, u32)>,
    done: bool,
}

impl<'a> Builder<'a> {
    fn open(&mut self, start: &BytesStart<'_>, text: &'a str) -> Result<(), String> {
        if self.done {
            return Err("there is more than one root element".to_owned());
        }
        if self.open.len() >= DEPTH_MAX {
            return Err("the elements nest too deeply".to_owned());
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value =
                quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
            let name = borrowed(text, attribute.key.into_inner())?;
            attributes.push((name, value.into_owned()));
        }
        let name = borrowed(text, start.local_name().into_inner())?;
        let index = u32::try_from(self.elements.len()).map_err(|_| "too many elements")?;
        if let Some((parent, last)) = self.open.last_mut() {
            let slot = if *last == 0 {
                self.elements.get_mut(*parent as usize).map(|parent| &mut parent.first_child)
            } else {
                self.elements.get_mut(*last as usize).map(|last| &mut last.next_sibling)
            };
            if let Some(slot) = slot {
                *slot = index;
            }
            *last = index;
        }
        self.elements.push(Element { name, attributes, ..Element::default() });
        self.open.push((index, 0));
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
        self.done = self.open.is_empty();
    }

    fn text(&mut self, piece: Cow<'a, str>) -> Result<(), String> {
        let is_blank = || piece.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty();
        let Some((index, last)) = self.open.last() else {
            return if is_blank() { Ok(()) } else { Err("text outside the root".to_owned()) };
        };
        // Line breaks between elements are of no use and would only be copied.
        if *last != 0 && is_blank() {
            return Ok(());
        }
        if let Some(element) = self.elements.get_mut(*index as usize) {
            if element.text.is_empty() {
                element.text = piece;
            } else {
                element.text.to_mut().push_str(&piece);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree<'a>, String> {
        if self.elements.is_empty() {
            return Err("there is no root element".to_owned());
        }
        if !self.open.is_empty() {
            return Err("the document ends inside an element".to_owned());
        }
        Ok(Tree { elements: self.elements })
    }
}

/// The name that the parser saw, borrowed from the document itself.
fn borrowed<'a>(text: &'a str, name: &str) -> Result<&'a str, String> {
    let start = (name.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    text.get(start..start.wrapping_add(name.len()))
        .filter(|found| *found == name)
        .ok_or_else(|| format!("the name `{name}` is not in the document"))
}

impl<'t, 'a> Node<'t, 'a> {
    /// The name without its namespace prefix.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.element.name
    }

    /// The text directly inside, entities resolved.
    #[must_use]
    pub fn text(self) -> &'t str {
        &self.element.text
    }

    /// The attribute with this name, prefix included (`xsi:type`).
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        self.element
            .attributes
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The elements directly inside.
    pub fn children(self) -> impl Iterator<Item = Node<'t, 'a>> {
        let at = move |index: u32| {
            let element = self.tree.elements.get(index as usize).filter(|_| index != 0)?;
            Some(Node { tree: self.tree, element })
        };
        let first = at(self.element.first_child);
        std::iter::successors(first, move |node| at(node.element.next_sibling))
    }

    /// The first element directly inside with this name.
    #[must_use]
    pub fn child(self, name: &str) -> Option<Node<'t, 'a>> {
        self.children().find(|child| child.name() == name)
    }
}

/// Writes `text` so that it may stand inside an element or a quoted attribute.
pub fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // Line ends would be normalized by the reader.
            '\r' => out.push_str("&#xD;"),
            '\n' => out.push_str("&#xA;"),
            '\t' => out.push_str("&#x9;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Tree::parse(text).expect_err(text)
    }

    #[test]
    fn elements_attributes_and_text_are_found() {
        let tree = Tree::parse(
            "<?xml version='1.0'?>\n<a xmlns:x='u'><!-- c --><x:b x:k=\"v&amp;\">1 &lt; 2</x:b>\
             <b><![CDATA[<>]]>&#x3042;</b></a>\n",
        )
        .unwrap();
        let root = tree.root().unwrap();
        let children: Vec<_> = root.children().map(|c| (c.name(), c.text())).collect();
        assert_eq!(children, [("b", "1 < 2"), ("b", "<>あ")]);
        assert_eq!(root.child("b").unwrap().attribute("x:k"), Some("v&"));
    }

    #[test]
    fn hostile_documents_are_refused() {
        refused("");
        refused("   ");
        refused("<a>");
        refused("<a></b>");
        refused("<a/><b/>");
        refused("<a/>tail");
        refused("<a>&lol;</a>");
        refused("<a b='&lol;'/>");
        refused("<a>&#xD800;</a>");
        refused(&"<a>".repeat(100_000));
        let laugh = "<!DOCTYPE l [<!ENTITY lol \"lol\">]><l>&lol;</l>";
        assert!(refused(laugh).contains("document type"));
    }

    #[test]
    fn escaped_text_reads_back() {
        let text = "a<b>&\"'\r\n\tあ\u{1F600}";
        let mut out = String::from("<a k=\"");
        escape_into(&mut out, text);
        out.push_str("\">");
        escape_into(&mut out, text);
        out.push_str("</a>");
        let tree = Tree::parse(&out).unwrap();
        assert_eq!(tree.root().unwrap().text(), text);
        assert_eq!(tree.root().unwrap().attribute("k"), Some(text));
    }
}
