//! The desk's own words, in the languages that it speaks. The catalogue's texts are English today, and are marked so.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use maud::{Markup, PreEscaped, Render, html};
use serde_json::Value as Json;

/// A language of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// French.
    French,
    /// Arabic.
    Arabic,
}

static WORDS: LazyLock<BTreeMap<Language, BTreeMap<String, Json>>> = LazyLock::new(|| {
    let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|e| panic!("the desk's words: {e}"));
    BTreeMap::from([
        (Language::English, read(include_str!("text/en.json"))),
        (Language::French, read(include_str!("text/fr.json"))),
        (Language::Arabic, read(include_str!("text/ar.json"))),
    ])
});

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::English, Self::French, Self::Arabic];

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Arabic => "ar",
        }
    }

    /// Its own name for itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::Arabic => "العربية",
        }
    }

    /// Which way its lines run.
    pub fn direction(self) -> &'static str {
        if self == Self::Arabic { "rtl" } else { "ltr" }
    }

    /// The language of a BCP 47 tag, by its first part.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.tag() == first)
    }

    /// The first of these tags that the desk speaks, else English.
    pub fn of_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        tags.into_iter().find_map(Self::of_tag).unwrap_or(Self::English)
    }

    /// The plural form of a count. Unicode CLDR.
    fn plural(self, n: u64) -> &'static str {
        match (self, n) {
            (Self::English, 1) | (Self::French, 0 | 1) => "one",
            (Self::English | Self::French, _) => "other",
            (Self::Arabic, 0) => "zero",
            (Self::Arabic, 1) => "one",
            (Self::Arabic, 2) => "two",
            (Self::Arabic, n) => match n % 100 {
                3..=10 => "few",
                11..=99 => "many",
                _ => "other",
            },
        }
    }

    fn template(self, key: &str, count: Option<u64>) -> &'static str {
        match WORDS[&self].get(key) {
            Some(Json::String(text)) => text,
            Some(Json::Object(forms)) => {
                let form = self.plural(count.unwrap_or_default());
                forms.get(form).or_else(|| forms.get("other")).and_then(Json::as_str).unwrap_or_default()
            }
            _ => "",
        }
    }

    /// Whether there is a sentence of that name.
    pub fn has(self, key: &str) -> bool {
        WORDS[&self].contains_key(key)
    }

    /// A sentence without values.
    pub fn say(self, key: &str) -> &'static str {
        let text = self.template(key, None);
        debug_assert!(!text.is_empty(), "the desk has no words for {key:?} in {self:?}");
        text
    }

    /// A sentence with values; each keeps its own direction, so that an id or a date reads rightly in any line.
    pub fn tell(self, key: &str, values: &[(&str, &dyn Render)]) -> Markup {
        Self::fill(self.say(key), values)
    }

    /// A sentence about a number, in its plural form; `{count}` is the number.
    pub fn count(self, key: &str, count: usize, values: &[(&str, &dyn Render)]) -> Markup {
        let mut all: Vec<(&str, &dyn Render)> = vec![("count", &count)];
        all.extend(values.iter().map(|(name, value)| (*name, *value)));
        Self::fill(self.template(key, Some(count as u64)), &all)
    }

    fn fill(template: &str, values: &[(&str, &dyn Render)]) -> Markup {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            debug_assert!(value.is_some(), "no value for {name:?} in {template:?}");
            out.push_str(&before.render().into_string());
            if let Some(value) = value {
                out.push_str(&html! { bdi { (value) } }.into_string());
            }
            rest = after;
        }
        out.push_str(&rest.render().into_string());
        PreEscaped(out)
    }
}

/// A text of the catalogue, or of the importer: English, whatever the interface speaks.
pub fn english(text: &str) -> Markup {
    html! { span lang="en" dir="ltr" { (text) } }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(json: &Json) -> BTreeSet<String> {
        let one = |text: &str| {
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
        };
        match json {
            Json::String(text) => one(text),
            Json::Object(forms) => forms.get("other").and_then(Json::as_str).map(one).unwrap_or_default(),
            _ => BTreeSet::new(),
        }
    }

    #[test]
    fn every_language_has_every_sentence_with_the_same_values() {
        let english = &WORDS[&Language::English];
        for language in Language::ALL {
            let words = &WORDS[&language];
            let lacking: Vec<_> = english.keys().filter(|key| !words.contains_key(*key)).collect();
            assert!(lacking.is_empty(), "{language:?} lacks {lacking:?}");
            let more: Vec<_> = words.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(more.is_empty(), "{language:?} has what English lacks: {more:?}");
            for (key, text) in words {
                assert_eq!(places(text), places(&english[key]), "{language:?} {key}");
                let forms = text.as_object().map(|forms| forms.keys().map(String::as_str).collect::<Vec<_>>());
                let wanted: &[&str] = match language {
                    Language::Arabic => &["few", "many", "one", "other", "two", "zero"],
                    _ => &["one", "other"],
                };
                assert!(forms.is_none_or(|forms| forms == wanted), "{language:?} {key}: plural forms");
            }
        }
    }

    #[test]
    fn numbers_take_the_form_that_the_language_wants() {
        for (language, n, form) in [
            (Language::English, 1, "one"),
            (Language::English, 0, "other"),
            (Language::French, 0, "one"),
            (Language::French, 2, "other"),
            (Language::Arabic, 0, "zero"),
            (Language::Arabic, 2, "two"),
            (Language::Arabic, 103, "few"),
            (Language::Arabic, 11, "many"),
            (Language::Arabic, 100, "other"),
        ] {
            assert_eq!(language.plural(n), form, "{language:?} {n}");
        }
    }

    #[test]
    fn values_are_escaped_and_isolated() {
        let said = Language::fill("a {x} < b", &[("x", &"<1>")]).into_string();
        assert_eq!(said, "a <bdi>&lt;1&gt;</bdi> &lt; b");
    }

    #[test]
    fn tags_find_their_language() {
        for (tags, want) in [
            (&["fr-CH", "en"][..], Language::French),
            (&["vel", "AR"], Language::Arabic),
            (&["vel"], Language::English),
            (&[], Language::English),
        ] {
            assert_eq!(Language::of_tags(tags.iter().copied()), want, "{tags:?}");
        }
    }
}
