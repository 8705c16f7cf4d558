//! The rows of a library as it might be after years of use, written with SQL.
//!
//! ```text
//! /bench/n<size>      a tree of about 1,000 files per folder, at most 3 levels deep (up to 1,000 files: one folder)
//! /bench/flat<size>   the same number of files in one folder, for the smallest and the largest size above 1,000
//! /parked             where folders are moved to
//! /copies             where folders are copied to
//! ```
//!
//! Files lie there in the order of their ids, which is not that of their names. Those of one size show contents that
//! are all different; the sizes share the contents, which are most of the bytes. There are no blobs: nothing that is
//! measured reads the bytes of a picture. For the same reason digests are random.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::Result;
use crate::library::{Connection, Value};
use Value::{Bool, Int, Null, Text};

/// In one folder of a tree.
const FOLDER_FILES: u64 = 1_000;
const TRANSACTION_ROWS: u64 = 100_000;
/// 2024-01-01; each file is a second younger than the one before it.
const EPOCH_MS: i64 = 1_704_067_200_000;
/// One file in so many has older versions.
const VERSIONED_ONE_IN: u64 = 20;
/// PostgreSQL hands out ids in blocks of so many.
const ID_BLOCK: i64 = 4_096;

/// What was written.
pub struct Seeded {
    pub trees: Vec<Tree>,
    /// Sizes that have a folder of their own kind in `flat_path`.
    pub flat_sizes: Vec<u64>,
    pub copies_folder: i64,
    /// The youngest id; what a measurement writes is above it.
    pub last_id: i64,
    pub last_change: i64,
    pub rows: u64,
}

/// The folder `/bench/n<size>`, whose folders have consecutive ids, parents first.
#[derive(Clone, Copy)]
pub struct Tree {
    pub size: u64,
    pub first_folder: i64,
    pub last_folder: i64,
}

impl Tree {
    pub fn path(&self) -> String {
        format!("/bench/{}", self.name())
    }

    pub fn name(&self) -> String {
        format!("n{}", self.size)
    }
}

pub fn flat_path(size: u64) -> String {
    if size <= FOLDER_FILES { format!("/bench/n{size}") } else { format!("/bench/flat{size}") }
}

pub async fn seed(connection: &mut Connection, sizes: &[u64]) -> Result<Seeded> {
    let (id, change) = counters(connection).await?;
    let mut seeder = Seeder {
        folders: Table::new("folder", &["id", "parent_id", "name", "created", "updated", "since"]),
        files: Table::new("file", &FILE_COLUMNS),
        versions: Table::new("version", &VERSION_COLUMNS),
        contents: Table::new("content", &CONTENT_COLUMNS),
        random: StdRng::seed_from_u64(1841), // the year of the patent on the calotype
        connection,
        id,
        change,
        first_content: 0,
        rows: 0,
        uncommitted: 0,
    };
    if let Connection::Sqlite(_) = seeder.connection {
        // Nobody minds if this is lost half-way.
        seeder.connection.execute_raw("PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000; BEGIN").await?;
    }
    let bench = seeder.folder(1, "bench").await?;
    seeder.folder(1, "parked").await?;
    let copies_folder = seeder.folder(1, "copies").await?;

    seeder.contents(*sizes.iter().max().ok_or("no sizes")?).await?;
    let mut trees = Vec::new();
    for &size in sizes {
        trees.push(seeder.tree(bench, size).await?);
    }
    let ends = [sizes.iter().min(), sizes.iter().max()];
    let mut flat_sizes: Vec<u64> = ends.into_iter().flatten().copied().collect();
    flat_sizes.dedup();
    // A library for a single size serves copies only.
    for &size in flat_sizes.iter().filter(|&&size| size > FOLDER_FILES && sizes.len() > 1) {
        let folder = seeder.folder(bench, &format!("flat{size}")).await?;
        seeder.files(folder, size, 0..size).await?;
    }
    seeder.flush_all().await?;
    let Seeder { id, change, rows, .. } = seeder;
    finish(connection, id, change).await?;
    Ok(Seeded { trees, flat_sizes, copies_folder, last_id: id, last_change: change, rows })
}

/// The last id and change number that the server has handed out.
async fn counters(connection: &mut Connection) -> Result<(i64, i64)> {
    let (id, change) = match connection {
        Connection::Sqlite(_) => {
            ("SELECT value FROM counter WHERE name = 'id'", "SELECT value FROM counter WHERE name = 'change'")
        }
        Connection::Postgres(_) => ("SELECT nextval('id_block')", "SELECT nextval('change_number')"),
    };
    Ok((connection.number(id, &[]).await?, connection.number(change, &[]).await?))
}

/// Sets the counters to what has been used.
async fn finish(connection: &mut Connection, id: i64, change: i64) -> Result<()> {
    match connection {
        Connection::Sqlite(_) => {
            connection.execute("UPDATE counter SET value = $1 WHERE name = 'id'", &[Int(id)]).await?;
            connection.execute("UPDATE counter SET value = $1 WHERE name = 'change'", &[Int(change)]).await?;
            connection.execute_raw("COMMIT; PRAGMA synchronous=FULL").await
        }
        Connection::Postgres(_) => {
            // The first id of a block is what the sequence returns, so the next block begins above all of these.
            let block = (id / ID_BLOCK + 1) * ID_BLOCK;
            connection.number("SELECT setval('id_block', $1)", &[Int(block)]).await?;
            connection.number("SELECT setval('change_number', $1)", &[Int(change)]).await?;
            Ok(())
        }
    }
}

struct Seeder<'a> {
    connection: &'a mut Connection,
    folders: Table,
    files: Table,
    versions: Table,
    contents: Table,
    random: StdRng,
    id: i64,
    change: i64,
    /// Content `n` has the id `first_content + 2 * n`, and its blob the one after it.
    first_content: i64,
    rows: u64,
    uncommitted: u64,
}

const FILE_COLUMNS: [&str; 11] = [
    "folder_id",
    "name",
    "id",
    "version_id",
    "version",
    "content_id",
    "flags",
    "created",
    "uploaded",
    "updated",
    "since",
];
const VERSION_COLUMNS: [&str; 8] = ["file_id", "version", "id", "content_id", "flags", "created", "updated", "since"];
const CONTENT_COLUMNS: [&str; 13] = [
    "id",
    "blob_id",
    "size",
    "digest",
    "mime",
    "is_image",
    "width",
    "height",
    "has_alpha",
    "tags",
    "custom_coordinates",
    "embedded_metadata",
    "created",
];

impl Seeder<'_> {
    fn next_id(&mut self) -> i64 {
        self.id += 1;
        self.id
    }

    fn next_change(&mut self) -> i64 {
        self.change += 1;
        self.change
    }

    async fn folder(&mut self, parent: i64, name: &str) -> Result<i64> {
        let (id, since) = (self.next_id(), self.next_change());
        self.folders.add([Int(id), Int(parent), Text(name.to_string()), Int(EPOCH_MS), Int(EPOCH_MS), Int(since)]);
        Ok(id)
    }

    async fn contents(&mut self, count: u64) -> Result<()> {
        self.first_content = self.id + 1;
        for ordinal in 0..count {
            let (id, blob) = (self.next_id(), self.next_id());
            let row = content(&mut self.random, ordinal, id, blob);
            self.contents.add(row);
            self.flush_full().await?;
        }
        Ok(())
    }

    /// Folders first, so that their ids are consecutive; then the files, folder by folder.
    async fn tree(&mut self, parent: i64, size: u64) -> Result<Tree> {
        let first_folder = self.folder(parent, &format!("n{size}")).await?;
        let folders = size.div_ceil(FOLDER_FILES);
        // The least fan-out with which three levels below the root hold them all.
        let fan_out = (1..).find(|f: &u64| 1 + f + f * f + f * f * f >= folders).ok_or("too many folders")?;
        for ordinal in 1..folders {
            let parent = first_folder + ((ordinal - 1) / fan_out) as i64;
            let name = SHOOTS.choose(&mut self.random).copied().unwrap_or_default();
            self.folder(parent, &format!("{name}-{:04}", scatter(ordinal as u32) % 10_000 + ordinal as u32 * 10_000))
                .await?;
        }
        for folder in 0..folders {
            let files = folder * size / folders..(folder + 1) * size / folders;
            self.files(first_folder + folder as i64, size, files).await?;
        }
        Ok(Tree { size, first_folder, last_folder: first_folder + folders as i64 - 1 })
    }

    async fn files(&mut self, folder: i64, size: u64, ordinals: std::ops::Range<u64>) -> Result<()> {
        for ordinal in ordinals {
            // Neighbours in a folder show contents from all over the library, each exactly once in a size.
            let content = shuffled(ordinal, size);
            let name = file_name(ordinal as u32, kind_of(content));
            let id = self.next_id();
            let versions = if ordinal % VERSIONED_ONE_IN == 7 { self.random.random_range(2..=4) } else { 1 };
            let created = EPOCH_MS + ordinal as i64 * 1_000;
            let mut version_id = id;
            for version in 1..versions {
                let since = self.next_change();
                let content_id = Int(self.first_content + 2 * ((content + version as u64) % size) as i64);
                let when = Int(created + version * 60_000);
                self.versions.add([
                    Int(id),
                    Int(version),
                    Int(version_id),
                    content_id,
                    Int(0),
                    when.clone(),
                    when,
                    Int(since),
                ]);
                version_id = self.next_id();
            }
            let uploaded = Int(created + (versions - 1) * 60_000);
            let (flags, since) = (i64::from(ordinal % 50 == 3), self.next_change());
            self.files.add([
                Int(folder),
                Text(name),
                Int(id),
                Int(version_id),
                Int(versions),
                Int(self.first_content + 2 * content as i64),
                Int(flags),
                Int(created),
                uploaded.clone(),
                uploaded,
                Int(since),
            ]);
            self.flush_full().await?;
        }
        Ok(())
    }

    async fn flush_full(&mut self) -> Result<()> {
        for table in [&mut self.folders, &mut self.files, &mut self.versions, &mut self.contents] {
            if table.is_full() {
                let rows = table.flush(self.connection).await?;
                self.rows += rows;
                self.uncommitted += rows;
            }
        }
        if self.uncommitted >= TRANSACTION_ROWS {
            self.uncommitted = 0;
            if let Connection::Sqlite(_) = self.connection {
                self.connection.execute_raw("COMMIT; BEGIN").await?;
            }
        }
        Ok(())
    }

    async fn flush_all(&mut self) -> Result<()> {
        for table in [&mut self.folders, &mut self.files, &mut self.versions, &mut self.contents] {
            self.rows += table.flush(self.connection).await?;
        }
        Ok(())
    }
}

/// Rows on their way into a table.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    values: Vec<Value>,
}

/// Rows of one INSERT on SQLite.
const INSERT_ROWS: usize = 100;
const PENDING_ROWS_MAX: usize = 5_000;

impl Table {
    fn new(name: &'static str, columns: &'static [&'static str]) -> Table {
        Table { name, columns, values: Vec::new() }
    }

    fn add<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.values.extend(row);
    }

    fn is_full(&self) -> bool {
        self.values.len() >= PENDING_ROWS_MAX * self.columns.len()
    }

    async fn flush(&mut self, connection: &mut Connection) -> Result<u64> {
        let values = std::mem::take(&mut self.values);
        let (name, columns, width) = (self.name, self.columns.join(", "), self.columns.len());
        match connection {
            Connection::Sqlite(_) => {
                for rows in values.chunks(INSERT_ROWS * width) {
                    let one = format!("({})", vec!["?"; width].join(", "));
                    let all = vec![one; rows.len() / width].join(", ");
                    connection.execute(&format!("INSERT INTO {name} ({columns}) VALUES {all}"), rows).await?;
                }
            }
            Connection::Postgres(connection) => {
                let mut text = String::new();
                for row in values.chunks(width) {
                    let line: Vec<String> = row.iter().map(copy_text).collect();
                    text.push_str(&line.join("\t"));
                    text.push('\n');
                }
                let mut copy = connection.copy_in_raw(&format!("COPY {name} ({columns}) FROM STDIN")).await?;
                copy.send(text.as_bytes()).await?;
                copy.finish().await?;
            }
        }
        Ok((values.len() / width) as u64)
    }
}

/// A value in PostgreSQL's text format. Nothing seeded holds a character that would need an escape.
fn copy_text(value: &Value) -> String {
    match value {
        Int(value) => value.to_string(),
        Text(value) => value.clone(),
        Bool(value) => value.to_string(),
        Null => "\\N".to_string(),
    }
}

struct Kind {
    per_cent: u32,
    extension: &'static str,
    mime: &'static str,
    is_image: bool,
    has_alpha: bool,
}

const fn kind(per_cent: u32, extension: &'static str, mime: &'static str, is_image: bool, has_alpha: bool) -> Kind {
    Kind { per_cent, extension, mime, is_image, has_alpha }
}

const KINDS: [Kind; 8] = [
    kind(72, "jpg", "image/jpeg", true, false),
    kind(4, "jpeg", "image/jpeg", true, false),
    kind(11, "png", "image/png", true, true),
    kind(6, "webp", "image/webp", true, false),
    kind(1, "gif", "image/gif", true, false),
    kind(1, "tif", "image/tiff", true, false),
    kind(3, "mp4", "video/mp4", false, false),
    kind(2, "pdf", "application/pdf", false, false),
];

fn kind_of(content: u64) -> &'static Kind {
    let mut per_cent = scatter(content as u32) % 100;
    for kind in &KINDS {
        match per_cent.checked_sub(kind.per_cent) {
            Some(rest) => per_cent = rest,
            None => return kind,
        }
    }
    &KINDS[0]
}

fn content(random: &mut StdRng, ordinal: u64, id: i64, blob: i64) -> [Value; 13] {
    let kind = kind_of(ordinal);
    let (long, short) = (random.random_range(1_200..8_300_i64), random.random_range(800..5_600_i64));
    let (width, height) =
        if random.random_bool(0.7) { (long.max(short), short.min(long)) } else { (short.min(long), long.max(short)) };
    let digest = (0..4).map(|_| format!("{:016x}", random.random::<u64>())).collect();
    let tags: Vec<String> =
        (0..random.random_range(0..=5)).filter_map(|_| WORDS.choose(random)).map(|tag| format!("\"{tag}\"")).collect();
    let image = |value: Value| if kind.is_image { value } else { Null };
    [
        Int(id),
        Int(blob),
        Int(random.random_range(20_000..14_000_000)),
        Text(digest),
        Text(kind.mime.to_string()),
        Bool(kind.is_image),
        image(Int(width)),
        image(Int(height)),
        image(Bool(kind.has_alpha)),
        if tags.is_empty() { Null } else { Text(format!("[{}]", tags.join(","))) },
        Null,
        Text(embedded_metadata(random, width, height)),
        Int(EPOCH_MS + ordinal as i64 * 1_000),
    ]
}

/// What cameras and editors write into a picture: 1 to 2 KB of JSON.
fn embedded_metadata(random: &mut StdRng, width: i64, height: i64) -> String {
    let mut pick = |from: &[&'static str]| from.choose(random).copied().unwrap_or_default();
    let (camera, lens, city) = (pick(&CAMERAS), pick(&LENSES), pick(&CITIES));
    let (aperture, exposure, iso) = (
        pick(&["1.8", "2.8", "4", "5.6", "8", "11"]),
        pick(&["1/60", "1/125", "1/250", "1/1000"]),
        pick(&["100", "200", "400", "1600", "6400"]),
    );
    let date = format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        random.random_range(10..25),
        random.random_range(1..13),
        random.random_range(1..29),
        random.random_range(0..24),
        random.random_range(0..60),
        random.random_range(0..60)
    );
    let (serial, shutter) =
        (random.random_range(100_000_000_000..999_999_999_999_u64), random.random_range(10..300_000));
    let (latitude, longitude) = (random.random_range(-60.0..70.0_f64), random.random_range(-180.0..180.0_f64));
    let make = camera.split(' ').next().unwrap_or_default();
    let mut json = String::with_capacity(2_048);
    // Writing to a String cannot fail.
    let _ = write!(
        json,
        concat!(
            r#"{{"Make":"{make}","Model":"{camera}","LensModel":"{lens}","DateTimeOriginal":"{date}","CreateDate":"{date}","#,
            r#""ModifyDate":"{date}","OffsetTime":"+02:00","ExposureTime":"{exposure}","FNumber":{aperture},"ISO":{iso},"#,
            r#""ExposureProgram":"Aperture-priority AE","ExposureCompensation":0,"MeteringMode":"Multi-segment","#,
            r#""Flash":"Off, Did not fire","FocalLength":"50.0 mm","WhiteBalance":"Auto","ColorSpace":"sRGB","#,
            r#""Orientation":"Horizontal (normal)","XResolution":300,"YResolution":300,"ResolutionUnit":"inches","#,
            r#""ExifImageWidth":{width},"ExifImageHeight":{height},"SceneCaptureType":"Standard","SensingMethod":"One-chip color area","#,
            r#""Software":"Adobe Photoshop Lightroom Classic 12.3 (Macintosh)","SerialNumber":"{serial}","ShutterCount":{shutter},"#,
            r#""Artist":"Studio Talbot","Copyright":"Studio Talbot, all rights reserved","GPSLatitude":{latitude:.6},"#,
            r#""GPSLongitude":{longitude:.6},"City":"{city}","Description":""#
        ),
        make = make,
        camera = camera,
        lens = lens,
        date = date,
        exposure = exposure,
        aperture = aperture,
        iso = iso,
        width = width,
        height = height,
        serial = serial,
        shutter = shutter,
        latitude = latitude,
        longitude = longitude,
        city = city
    );
    let length = random.random_range(1_100..1_900);
    while json.len() < length {
        json.push_str(WORDS.choose(random).copied().unwrap_or_default());
        json.push(' ');
    }
    let _ = write!(
        json,
        r#"","Keywords":["{}","{}"]}}"#,
        WORDS[length % WORDS.len()],
        WORDS[serial as usize % WORDS.len()]
    );
    json
}

/// A name as cameras, phones and picture agencies give it: 16 to 40 characters, unique by its ordinal.
fn file_name(ordinal: u32, kind: &Kind) -> String {
    let number = scatter(ordinal);
    let (high, low, extension) = (number / 100_000, number % 100_000, kind.extension);
    let taken = || {
        let date = chrono::DateTime::from_timestamp(1_325_376_000 + i64::from(number / 10), 0).unwrap_or_default();
        (date.format("%Y%m%d").to_string(), date.format("%H%M%S").to_string(), number % 10)
    };
    match number % 8 {
        0 => {
            let (date, time, tenth) = taken();
            format!("IMG_{date}_{time}_{tenth}.{extension}")
        }
        1 => {
            let (date, time, tenth) = taken();
            format!("PXL_{date}_{time}{tenth}00.MP.{extension}")
        }
        2 => format!("DSC{high:05}_{low:05}.{extension}"),
        3 => format!("shutterstock_{number:010}.{extension}"),
        4 => format!("AdobeStock_{number:010}_Preview.{extension}"),
        5 => format!("iStock-{number:010}-2048x2048.{extension}"),
        6 => format!("GettyImages-{number:010}-detail.{extension}"),
        _ => format!("_MG_{high:05}_{low:05}-Edit-final_v2.{extension}"),
    }
}

/// Each number to another, in an order that looks random and is always the same. No two go to the same.
fn scatter(number: u32) -> u32 {
    let mixed = number.wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995;
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B)
}

/// Where an ordinal comes when `0..size` is shuffled.
fn shuffled(ordinal: u64, size: u64) -> u64 {
    let step = (size * 618 / 1_000..).find(|&step| step > 0 && greatest_common_divisor(step, size) == 1).unwrap_or(1);
    (ordinal * step + size / 3) % size
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

const CAMERAS: [&str; 6] =
    ["Canon EOS R5", "NIKON Z 8", "SONY ILCE-7RM5", "FUJIFILM X-T5", "Apple iPhone 15 Pro", "Google Pixel 8"];
const LENSES: [&str; 4] =
    ["RF24-70mm F2.8 L IS USM", "NIKKOR Z 50mm f/1.8 S", "FE 70-200mm F2.8 GM OSS II", "XF16-55mmF2.8 R LM WR"];
const CITIES: [&str; 8] = ["Lacock", "Lisbon", "Nairobi", "Osaka", "Oslo", "Quito", "Toronto", "Wellington"];
const SHOOTS: [&str; 8] =
    ["autumn-catalogue", "birthday", "campaign", "lookbook", "product-shots", "team-day", "travel", "wedding"];
const WORDS: [&str; 24] = [
    "architecture",
    "beach",
    "black-and-white",
    "bridge",
    "child",
    "city",
    "food",
    "forest",
    "golden-hour",
    "harbour",
    "interior",
    "landscape",
    "macro",
    "market",
    "mountain",
    "night",
    "people",
    "portrait",
    "product",
    "river",
    "snow",
    "street",
    "summer",
    "wildlife",
];
