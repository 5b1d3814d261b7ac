//! Records of exports: objects of JSON, rows of CSV, entries of LDIF, with one way to ask for a
//! field. Names of fields are compared without regard to case, spaces and what stands in brackets
//! behind them, because the same field is `userPrincipalName`, `UserPrincipalName` and
//! `User principal name`.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::super::json::{Members, Text, scalar};
use crate::diag::Origin;

/// One object, row or entry.
#[derive(Clone)]
pub(in crate::ingest) struct Record<'a> {
    /// Where it stands.
    pub origin: Origin,
    text: Text<'a>,
    fields: Fields<'a>,
}

#[derive(Clone)]
enum Fields<'a> {
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
    Row(Rc<Vec<String>>, Vec<Cow<'a, str>>),
    Entry(Vec<(String, String)>),
}

/// What a field holds.
enum Field<'r, 'a> {
    Json(&'a RawValue),
    Text(Cow<'r, str>),
}

impl<'a> Record<'a> {
    /// An object of a JSON text; nothing for any other value.
    pub fn object(text: Text<'a>, value: &'a RawValue) -> Option<Self> {
        let Members(members) = serde_json::from_str(value.get()).ok()?;
        Some(Self {
            origin: text.origin(value),
            text,
            fields: Fields::Object(members),
        })
    }

    /// A row of a CSV text.
    pub fn row(
        text: Text<'a>,
        origin: Origin,
        header: &Rc<Vec<String>>,
        cells: Vec<Cow<'a, str>>,
    ) -> Self {
        let fields = Fields::Row(Rc::clone(header), cells);
        Self {
            origin,
            text,
            fields,
        }
    }

    /// An entry of an LDIF text: names with values, repeated where there are several.
    pub fn entry(text: Text<'a>, origin: Origin, attributes: Vec<(String, String)>) -> Self {
        let fields = Fields::Entry(attributes);
        Self {
            origin,
            text,
            fields,
        }
    }

    /// The names of its fields.
    pub fn keys(&self) -> Vec<&str> {
        match &self.fields {
            Fields::Object(members) => members.iter().map(|(key, _)| &**key).collect(),
            Fields::Row(header, _) => header.iter().map(String::as_str).collect(),
            Fields::Entry(attributes) => attributes.iter().map(|(key, _)| &**key).collect(),
        }
    }

    /// Whether it has a field, empty or not.
    pub fn has(&self, key: &str) -> bool {
        match &self.fields {
            Fields::Object(members) => members.iter().any(|(name, _)| is_key(name, key)),
            Fields::Row(header, _) => header.iter().any(|name| is_key(name, key)),
            Fields::Entry(attributes) => attributes.iter().any(|(name, _)| is_key(name, key)),
        }
    }

    fn field(&self, key: &str) -> Option<Field<'_, 'a>> {
        match &self.fields {
            Fields::Object(members) => {
                let own = members.iter().find(|(name, _)| is_key(name, key));
                own.map(|(_, value)| Field::Json(value))
            }
            Fields::Row(header, cells) => {
                let at = header.iter().position(|name| is_key(name, key))?;
                let cell: &str = cells.get(at)?;
                Some(Field::Text(Cow::Borrowed(cell)))
            }
            Fields::Entry(attributes) => {
                let own = attributes.iter().find(|(name, _)| is_key(name, key));
                own.map(|(_, value)| Field::Text(Cow::Borrowed(value)))
            }
        }
    }

    /// A field as text without the white space around it; empty where it is absent, null or no
    /// scalar. Objects of PowerShell keep what they do not know in `AdditionalProperties`.
    pub fn text(&self, key: &str) -> String {
        match self.field(key) {
            Some(Field::Text(text)) => text.trim().to_owned(),
            Some(Field::Json(value)) => {
                let text = scalar(value).unwrap_or_default();
                text.trim().to_owned()
            }
            None if key != "additionalProperties" => self
                .record("additionalProperties")
                .map(|more| more.text(key))
                .unwrap_or_default(),
            None => String::new(),
        }
    }

    /// The first of some fields that is not empty.
    pub fn any(&self, keys: &[&str]) -> String {
        let texts = keys.iter().map(|key| self.text(key));
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// Yes, no, or nothing where the export does not say.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key).to_lowercase().as_str() {
            "true" | "yes" | "1" | "enabled" | "on" | "capable" | "registered" | "$true" => {
                Some(true)
            }
            "false" | "no" | "0" | "disabled" | "off" | "not capable" | "not registered"
            | "not enabled" | "$false" => Some(false),
            _ => None,
        }
    }

    /// The first of some fields that says yes or no.
    pub fn any_flag(&self, keys: &[&str]) -> Option<bool> {
        keys.iter().find_map(|key| self.flag(key))
    }

    /// Whole numbers.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.text(key).parse().ok()
    }

    /// Several values: an array, repeated attributes, or a cell that joins them with `;`, as an array
    /// in JSON, or in braces as PowerShell shows lists.
    pub fn list(&self, key: &str) -> Vec<String> {
        if let Fields::Entry(attributes) = &self.fields {
            let own = attributes.iter().filter(|(name, _)| is_key(name, key));
            return own.map(|(_, value)| value.trim().to_owned()).collect();
        }
        match self.field(key) {
            Some(Field::Json(value)) if value.get().starts_with('[') => {
                let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
                let texts = items.into_iter().filter_map(scalar);
                not_empty(texts.map(|text| text.trim().to_owned()))
            }
            // PowerShell 5.1 writes a list as `{"value": [...], "Count": n}`.
            Some(Field::Json(value)) if value.get().starts_with('{') => self
                .record(key)
                .map(|list| list.list("value"))
                .unwrap_or_default(),
            Some(Field::Json(value)) => split(&scalar(value).unwrap_or_default()),
            Some(Field::Text(text)) => split(&text),
            None => Vec::new(),
        }
    }

    /// The object in a field.
    pub fn record(&self, key: &str) -> Option<Self> {
        match self.field(key)? {
            Field::Json(value) => Self::object(self.text, value),
            Field::Text(_) => None,
        }
    }

    /// The objects of an array in a field.
    pub fn records(&self, key: &str) -> Vec<Self> {
        self.records_and_strangers(key).0
    }

    /// The same, and how many items of the array are no objects.
    pub fn records_and_strangers(&self, key: &str) -> (Vec<Self>, u64) {
        let Some(Field::Json(value)) = self.field(key) else {
            return (Vec::new(), 0);
        };
        let items: Vec<&'a RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        let count = items.len();
        let objects = items.into_iter();
        let objects: Vec<Self> = objects
            .filter_map(|item| Self::object(self.text, item))
            .collect();
        let strangers = (count - objects.len()) as u64;
        (objects, strangers)
    }

    /// The members of an object in a field, by their names.
    pub fn named_lists(&self, key: &str) -> Vec<(String, Vec<String>)> {
        let Some(Self {
            fields: Fields::Object(members),
            ..
        }) = self.record(key)
        else {
            return Vec::new();
        };
        let lists = members.into_iter().map(|(name, value)| {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
            let items = items.into_iter().filter_map(scalar).map(Cow::into_owned);
            (name.into_owned(), items.collect())
        });
        lists.collect()
    }

    /// Texts that stand in cells or values, for what they show of a damaged export.
    pub fn texts(&self) -> Vec<(&str, Cow<'_, str>)> {
        match &self.fields {
            Fields::Object(members) => {
                let texts = members.iter().filter_map(|(key, value)| {
                    // Of a list the first item: a type's name stands for each.
                    let first = value.get().strip_prefix('[').map(|_| {
                        let items: Vec<&RawValue> =
                            serde_json::from_str(value.get()).unwrap_or_default();
                        items.first().and_then(|first| scalar(first))
                    });
                    Some((&**key, first.unwrap_or_else(|| scalar(value))?))
                });
                texts.collect()
            }
            Fields::Row(header, cells) => {
                let cells = cells.iter().map(|cell| Cow::Borrowed(&**cell));
                header.iter().map(String::as_str).zip(cells).collect()
            }
            Fields::Entry(_) => Vec::new(),
        }
    }

    /// Whether it is a row of a table that went through a spreadsheet or `Export-Csv`.
    pub fn is_row(&self) -> bool {
        matches!(self.fields, Fields::Row(..))
    }
}

/// Whether a field of this name is the one that is looked for.
fn is_key(name: &str, wanted: &str) -> bool {
    if name.eq_ignore_ascii_case(wanted) {
        return true;
    }
    // Asked for every field of every record: what is no longer, or begins otherwise, is not looked at.
    let begins = |text: &str| text.bytes().next().map(|byte| byte.to_ascii_lowercase());
    if name.len() <= wanted.len() || begins(name) != begins(wanted) {
        return false;
    }
    let name = name.split(" [").next().unwrap_or(name);
    letters(name).eq(letters(wanted))
}

/// A name without case, spaces and dashes.
fn letters(text: &str) -> impl Iterator<Item = u8> {
    let kept = text
        .bytes()
        .filter(|byte| !matches!(byte, b' ' | b'_' | b'-'));
    kept.map(|byte| byte.to_ascii_lowercase())
}

fn not_empty(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.filter(|text| !text.is_empty()).collect()
}

fn split(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<String>>(text)
    {
        return items;
    }
    if let Some(inside) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    {
        return not_empty(inside.split(',').map(|part| part.trim().to_owned()));
    }
    not_empty(text.split(';').map(|part| part.trim().to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::diag::FileId;

    fn object(text: &str) -> Record<'_> {
        let whole: &RawValue = serde_json::from_str(text).unwrap();
        let text = Text::new(FileId(0), text);
        Record::object(text, whole).unwrap()
    }

    #[test]
    fn fields_are_found_however_they_are_written() {
        let record = object(
            r#"{"UserPrincipalName":" a@x ","AccountEnabled":"True","n":7,
                "AdditionalProperties":{"mail":"m@x"},"Tags":["a",null,"b"],"Rights":"{Full, Read}"}"#,
        );
        assert_eq!(record.text("userPrincipalName"), "a@x");
        assert_eq!(record.flag("accountEnabled"), Some(true));
        assert_eq!(record.flag("absent"), None);
        assert_eq!(
            (record.number("n"), record.text("mail")),
            (Some(7), "m@x".to_owned())
        );
        assert_eq!(record.list("tags"), ["a", "b"]);
        assert_eq!(record.list("rights"), ["Full", "Read"]);
        let header = Rc::new(vec![
            "Email Address [Required]".to_owned(),
            "2sv Enrolled".to_owned(),
        ]);
        let origin = Origin {
            file: FileId(0),
            start: 0,
            len: 0,
        };
        let row = Record::row(
            Text::new(FileId(0), ""),
            origin,
            &header,
            vec!["k@x".into(), "Enabled".into()],
        );
        assert_eq!(row.text("emailAddress"), "k@x");
        assert_eq!(row.flag("2svEnrolled"), Some(true));
    }
}
