//! What a key may do: in each area of the API nothing, reading, or reading and writing.
//!
//! A full key may do everything, also in areas that later versions add. A restricted key may do what its
//! rights name and nothing else. As text, rights are `full` or a list such as `files=write,folders=read`;
//! that is how the command line takes them and how they are stored.

use std::fmt;

/// A part of the API that rights are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Lists, details, versions and tags of files; copy, move, rename and delete of single files. Reading
    /// includes signing the delivery URLs of private files.
    Files,
    /// Folders, and the bulk jobs that work on them.
    Folders,
    /// Uploads. Writing includes signing uploads that browsers make; there is nothing to read.
    Uploads,
    /// Custom metadata fields.
    Metadata,
    /// Purges of the cache.
    Purge,
    /// Key pairs.
    Keys,
}

/// How much is allowed in an area. Each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    None,
    Read,
    Write,
}

/// What a call asks of the key it comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub area: Area,
    pub access: Access,
}

/// What a key needs for its signature under a delivery URL to count.
pub const SIGN_DELIVERY: Need = Need { area: Area::Files, access: Access::Read };
/// What a key needs for its signature under a client's upload to count.
pub const SIGN_UPLOADS: Need = Need { area: Area::Uploads, access: Access::Write };

/// The rights of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything, now and later.
    Full,
    /// Access by area, in the order of [`Area::ALL`].
    Only([Access; Area::ALL.len()]),
}

/// A text that is no rights, and why: for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRights(pub String);

impl Area {
    pub const ALL: [Area; 6] = [Area::Files, Area::Folders, Area::Uploads, Area::Metadata, Area::Purge, Area::Keys];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Area::Files => "files",
            Area::Folders => "folders",
            Area::Uploads => "uploads",
            Area::Metadata => "metadata",
            Area::Purge => "purge",
            Area::Keys => "keys",
        }
    }

    /// The area of a name.
    pub fn named(name: &str) -> Option<Area> {
        Area::ALL.into_iter().find(|area| area.name() == name)
    }
}

impl Access {
    pub const ALL: [Access; 3] = [Access::None, Access::Read, Access::Write];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Access::None => "none",
            Access::Read => "read",
            Access::Write => "write",
        }
    }

    /// The access of a name.
    pub fn named(name: &str) -> Option<Access> {
        Access::ALL.into_iter().find(|access| access.name() == name)
    }
}

impl Rights {
    /// Rights in no area, to which some are added.
    pub const NOTHING: Rights = Rights::Only([Access::None; Area::ALL.len()]);

    /// Whether a call with this need is allowed.
    pub fn allow(&self, need: Need) -> bool {
        self.access(need.area) >= need.access
    }

    /// What is allowed in an area.
    pub fn access(&self, area: Area) -> Access {
        match self {
            Rights::Full => Access::Write,
            Rights::Only(areas) => areas[area as usize],
        }
    }

    /// Whether everything that `others` allow is allowed here too. Only full rights include full rights.
    pub fn include(&self, others: &Rights) -> bool {
        match (self, others) {
            (Rights::Full, _) => true,
            (Rights::Only(_), Rights::Full) => false,
            (Rights::Only(own), Rights::Only(others)) => own.iter().zip(others).all(|(own, other)| own >= other),
        }
    }

    /// Rights from names of areas and accesses. Each area may be named once; one that is not gets nothing.
    pub fn of_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Rights, BadRights> {
        let mut areas = [None; Area::ALL.len()];
        for (area, access) in pairs {
            let area = Area::named(area)
                .ok_or_else(|| BadRights(format!("The areas are {}.", list(Area::ALL.map(Area::name)))))?;
            let access = Access::named(access).ok_or_else(|| {
                BadRights(format!("The rights in an area are {}.", list(Access::ALL.map(Access::name))))
            })?;
            if areas[area as usize].replace(access).is_some() {
                return Err(BadRights(format!("The area {} is named twice.", area.name())));
            }
        }
        let rights = Rights::Only(areas.map(|access| access.unwrap_or(Access::None)));
        if rights == Rights::NOTHING { Err(BadRights("They allow nothing.".into())) } else { Ok(rights) }
    }

    /// Rights as a person writes them: `full`, or a list such as `files=write,folders=read`.
    pub fn parse(text: &str) -> Result<Rights, BadRights> {
        if text.trim() == "full" {
            return Ok(Rights::Full);
        }
        let pairs = text.split(',').map(|pair| pair.split_once('=').map(|(area, access)| (area.trim(), access.trim())));
        let pairs: Option<Vec<_>> = pairs.collect();
        let how = "Write full, or areas with their rights such as files=write,folders=read.";
        Rights::of_pairs(pairs.ok_or_else(|| BadRights(how.into()))?)
    }

    /// Rights as they were stored, maybe by a later version: what is not understood allows nothing.
    pub fn stored(text: &str) -> Rights {
        if text == "full" {
            return Rights::Full;
        }
        let mut areas = [Access::None; Area::ALL.len()];
        for (area, access) in text.split(',').filter_map(|pair| pair.split_once('=')) {
            if let (Some(area), Some(access)) = (Area::named(area), Access::named(access)) {
                areas[area as usize] = access;
            }
        }
        Rights::Only(areas)
    }
}

fn list<const N: usize>(names: [&str; N]) -> String {
    names.join(", ")
}

/// The text that [`Rights::parse`] and [`Rights::stored`] read.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rights::Only(areas) = self else { return f.write_str("full") };
        let given = Area::ALL.into_iter().zip(areas).filter(|(_, access)| **access != Access::None);
        let pairs: Vec<_> = given.map(|(area, access)| format!("{}={}", area.name(), access.name())).collect();
        f.write_str(&pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn need(area: Area, access: Access) -> Need {
        Need { area, access }
    }

    #[test]
    fn each_area_has_its_own_access_and_write_includes_read() {
        for area in Area::ALL {
            for given in [Access::Read, Access::Write] {
                let rights = Rights::parse(&format!("{}={}", area.name(), given.name())).unwrap();
                for asked in Area::ALL {
                    for access in [Access::Read, Access::Write] {
                        let expected = asked == area && access <= given;
                        assert_eq!(rights.allow(need(asked, access)), expected, "{rights}: {asked:?} {access:?}");
                        assert!(Rights::Full.allow(need(asked, access)));
                    }
                }
            }
        }
    }

    #[test]
    fn areas_stand_at_their_places() {
        for (index, area) in Area::ALL.into_iter().enumerate() {
            assert_eq!(area as usize, index);
            assert_eq!(Area::named(area.name()), Some(area));
        }
    }

    #[test]
    fn rights_include_what_is_less() {
        let rights = |text| Rights::parse(text).unwrap();
        let all = rights("files=write,folders=write,uploads=write,metadata=write,purge=write,keys=write");
        for (larger, smaller, included) in [
            (Rights::Full, Rights::Full, true),
            (Rights::Full, all, true),
            // A later version may have more areas.
            (all, Rights::Full, false),
            (all, rights("files=read"), true),
            (rights("files=read"), rights("files=read"), true),
            (rights("files=read"), rights("files=write"), false),
            (rights("files=write,keys=write"), rights("files=read,purge=read"), false),
        ] {
            assert_eq!(larger.include(&smaller), included, "{larger} includes {smaller}");
        }
    }

    #[test]
    fn texts_are_read_back_and_bad_ones_are_refused() {
        for text in ["full", "files=read", "files=write,folders=read,keys=write"] {
            assert_eq!(Rights::parse(text).unwrap().to_string(), text);
            assert_eq!(Rights::stored(text), Rights::parse(text).unwrap());
        }
        assert_eq!(Rights::parse(" purge=write , files=read ").unwrap().to_string(), "files=read,purge=write");
        assert_eq!(Rights::parse("files=read,purge=none").unwrap().to_string(), "files=read");
        for bad in
            ["", "all", "files", "files=all", "filez=read", "files=read,files=write", "files=none", "full,files=read"]
        {
            assert!(Rights::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Rights::stored("files=read,comments=write,folders=own").to_string(), "files=read");
        assert_eq!(Rights::stored(""), Rights::NOTHING);
    }
}
