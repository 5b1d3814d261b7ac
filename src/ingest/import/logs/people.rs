//! Accounts by the names that logs have for them: ids and aliases of tables, and display names that one
//! account alone has.

use rustc_hash::FxHashMap;

use crate::ingest::raw::RawTable;
use crate::ingest::schema;
use crate::model::{Kind, Table, fold};

/// Accounts by their names.
#[derive(Default)]
pub(in crate::ingest::import) struct People {
    /// Ids by ids and aliases, as compared.
    ids: FxHashMap<Box<str>, Box<str>>,
    /// Ids by display names, as compared; nothing where several have it.
    shown: FxHashMap<Box<str>, Option<Box<str>>>,
    /// The security identifiers of those who have one, by id.
    sids: FxHashMap<Box<str>, Box<str>>,
}

impl People {
    /// Reads the accounts of these tables.
    pub fn of<'t: 'r, 'r>(tables: impl Iterator<Item = &'r RawTable<'t>>) -> Self {
        let mut people = Self::default();
        let column = |name: &str| schema::find(Table::Identities, name);
        let [id, aliases, name] = ["id", "aliases", "name"].map(column);
        for table in tables.filter(|table| table.table == Table::Identities) {
            table.for_each(|row| {
                let cell = |column: Option<u8>| row.cells.find(column?);
                let Some(shown) = cell(id).map(|cell| cell.text()) else {
                    return;
                };
                let bare = Kind::split(&shown).map_or(&*shown, |(_, bare)| bare);
                let own: Box<str> = bare.into();
                people.ids.insert(fold(bare).into(), own.clone());
                for alias in cell(aliases).into_iter().flat_map(|cell| cell.items()) {
                    let key: Box<str> = fold(alias.trim()).into();
                    if key.starts_with("s-1-") {
                        people.sids.insert(own.clone(), key.clone());
                    }
                    people.ids.entry(key).or_insert_with(|| own.clone());
                }
                if let Some(name) = cell(name) {
                    let key: Box<str> = fold(name.text().trim()).into();
                    let known = people.shown.entry(key).or_insert_with(|| Some(own.clone()));
                    if known
                        .as_ref()
                        .is_some_and(|known| fold(known) != fold(&own))
                    {
                        *known = None;
                    }
                }
            });
        }
        people
    }

    /// The account with the first of these names that one has, else the only one that is shown by a name;
    /// nobody who has another security identifier than `sid`.
    pub fn find<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        shown: &str,
        sid: Option<&str>,
    ) -> Option<&str> {
        let sid = sid.map(fold);
        let is_other = |id: &str| {
            let known = self.sids.get(id);
            sid.as_ref()
                .is_some_and(|sid| known.is_some_and(|known| **known != **sid))
        };
        let mut names = names.filter(|name| !name.is_empty());
        let by_id = names.find_map(|name| {
            let id = self.ids.get(&*fold(name.trim()))?;
            (!is_other(id)).then_some(id)
        });
        let by_name = || self.shown.get(&*fold(shown.trim()))?.as_ref();
        by_id.or_else(by_name).map(|id| &**id)
    }
}
