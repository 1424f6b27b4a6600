//! A reader of HTML strict enough to catch a page that a browser would have to guess at.

/// Elements without an end tag.
const VOID: [&str; 6] = ["meta", "link", "wbr", "br", "hr", "img"];

/// One start tag, or text.
#[derive(Debug, PartialEq, Eq)]
pub enum Node {
    /// Name, its attributes, and the names of the elements around it.
    Start { name: String, attributes: Vec<(String, String)>, within: Vec<String> },
    /// Text as written.
    Text(String),
}

/// Reads a page; the message says where it is not well formed.
pub fn read(page: &str) -> Result<Vec<Node>, String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let (mut nodes, mut open): (Vec<Node>, Vec<String>) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        if open.last().is_some_and(|name| name == "style") {
            let (_, after) = rest.split_once("</style>").ok_or("style does not end")?;
            open.pop();
            rest = after;
        } else if let Some(tag) = rest.strip_prefix("</") {
            let (name, after) = tag.split_once('>').ok_or("tag does not end")?;
            let expected = open.pop();
            if expected.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {expected:?} in {open:?}"));
            }
            rest = after;
        } else if let Some(tag) = rest.strip_prefix('<') {
            let (name, mut attributes_text) = tag.split_at(tag.find([' ', '>', '\n']).ok_or("tag does not end")?);
            let mut attributes = Vec::new();
            loop {
                attributes_text = attributes_text.trim_start();
                if let Some(after) = attributes_text.strip_prefix('>') {
                    rest = after;
                    break;
                }
                let (key, after) = attributes_text.split_once("=\"").ok_or_else(|| format!("attribute of {name}"))?;
                if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                    return Err(format!("attribute {key:?} of {name}"));
                }
                let (value, after) = after.split_once('"').ok_or("value does not end")?;
                attributes.push((key.to_owned(), value.to_owned()));
                attributes_text = after;
            }
            nodes.push(Node::Start { name: name.to_owned(), attributes, within: open.clone() });
            if !VOID.contains(&name) {
                open.push(name.to_owned());
            }
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            if text.contains('>') {
                return Err(format!("a bare > in {text:?}"));
            }
            nodes.push(Node::Text(text.to_owned()));
            rest = after;
        }
    }
    if open.is_empty() { Ok(nodes) } else { Err(format!("{open:?} not closed")) }
}

impl Node {
    /// Whether it starts an element of that name.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Start { name, .. } if name == wanted)
    }

    /// The value of an attribute.
    pub fn attribute(&self, wanted: &str) -> Option<&str> {
        let Self::Start { attributes, .. } = self else { return None };
        attributes.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
    }
}

#[test]
fn the_reader_refuses_what_is_not_well_formed() {
    for (page, good) in [
        ("<!DOCTYPE html><p class=\"a\">x<wbr>y</p>", true),
        ("<p></p>", false),
        ("<!DOCTYPE html><p><b></p></b>", false),
        ("<!DOCTYPE html><p>", false),
        ("<!DOCTYPE html><p class=a></p>", false),
        ("<!DOCTYPE html><p>a > b</p>", false),
    ] {
        assert_eq!(read(page).is_ok(), good, "{page}");
    }
}
