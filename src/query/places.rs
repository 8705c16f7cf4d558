//! Places on earth: near a point, in a box given by its diagonal, in a rectangle given by its corners.

/// Mean radius of the earth, in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;
const MILE_M: f64 = 1_609.344;
/// Degrees by which rounding may put a point on a side next to it: about a centimetre.
const SIDE_DEGREES: f64 = 1e-7;

/// Latitude and longitude in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    lat: f64,
    lon: f64,
}

/// What a query says of a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Area {
    Near {
        centre: Point,
        radius_m: f64,
    },
    /// From `from` eastwards to `to`; beyond the antimeridian if that is how the longitudes run.
    Box {
        from: Point,
        to: Point,
    },
    /// Four corners in order, none more than half way round the earth from the next.
    Corners([Point; 4]),
}

impl Point {
    /// `latitude,longitude`
    pub fn read(text: &str) -> Option<Point> {
        let (lat, lon) = text.split_once(',')?;
        Point::new(lat.trim().parse().ok()?, lon.trim().parse().ok()?)
    }

    pub fn new(lat: f64, lon: f64) -> Option<Point> {
        // Not-a-number is in no range.
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Point { lat, lon })
    }

    /// Along the great circle.
    fn metres_to(self, other: Point) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let across = half(self.lon, other.lon) * self.lat.to_radians().cos() * other.lat.to_radians().cos();
        2.0 * EARTH_RADIUS_M * (half(self.lat, other.lat) + across).clamp(0.0, 1.0).sqrt().asin()
    }
}

impl Area {
    /// `40,100 5km`, `40,100|50,105` or `0,0|0,100|40,100|40,0`
    pub fn read(text: &str) -> Option<Area> {
        let corners: Vec<&str> = text.split('|').map(str::trim).collect();
        match corners.as_slice() {
            [circle] => {
                let (centre, radius) = circle.rsplit_once(char::is_whitespace)?;
                Some(Area::Near { centre: Point::read(centre)?, radius_m: metres(radius)? })
            }
            [from, to] => Some(Area::Box { from: Point::read(from)?, to: Point::read(to)? }),
            [a, b, c, d] => Some(Area::Corners([Point::read(a)?, Point::read(b)?, Point::read(c)?, Point::read(d)?])),
            _ => None,
        }
    }

    /// Whether the point lies inside or on the boundary.
    pub fn contains(&self, point: Point) -> bool {
        match self {
            Area::Near { centre, radius_m } => centre.metres_to(point) <= *radius_m,
            Area::Box { from, to } => {
                let (south, north) = (from.lat.min(to.lat), from.lat.max(to.lat));
                let lon = point.lon;
                let between = if from.lon <= to.lon {
                    (from.lon..=to.lon).contains(&lon)
                } else {
                    lon >= from.lon || lon <= to.lon
                };
                (south..=north).contains(&point.lat) && between
            }
            Area::Corners(corners) => is_between(*corners, point),
        }
    }
}

/// `5km`, `300m`, `2.5mi`
fn metres(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let scale = match unit.to_ascii_lowercase().as_str() {
        "m" => 1.0,
        "km" => 1_000.0,
        "mi" => MILE_M,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * scale).filter(|metres| metres.is_finite() && *metres >= 0.0)
}

/// Whether a point lies on the same side of all four sides, or on one of them.
fn is_between(mut corners: [Point; 4], point: Point) -> bool {
    // Across the antimeridian, go on counting.
    for at in 1..corners.len() {
        corners[at].lon = corners[at - 1].lon + wrapped(corners[at].lon - corners[at - 1].lon);
    }
    let inside = |lon: f64| {
        let sides = (0..4).map(|at| {
            let (a, b) = (corners[at], corners[(at + 1) % 4]);
            let turn = (b.lon - a.lon) * (point.lat - a.lat) - (b.lat - a.lat) * (lon - a.lon);
            let length = (b.lon - a.lon).hypot(b.lat - a.lat);
            // The distance from the side, to the left of it.
            if length == 0.0 { 0.0 } else { turn / length }
        });
        let sides: Vec<f64> = sides.collect();
        // A side without length or in line with the point says nothing, so the box around the corners counts too.
        let within = |of: fn(&Point) -> f64, value: f64| {
            let (low, high) = corners.iter().map(of).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
            (low - SIDE_DEGREES..=high + SIDE_DEGREES).contains(&value)
        };
        let one_side =
            sides.iter().all(|side| *side >= -SIDE_DEGREES) || sides.iter().all(|side| *side <= SIDE_DEGREES);
        one_side && within(|corner| corner.lat, point.lat) && within(|corner| corner.lon, lon)
    };
    [point.lon, point.lon + 360.0, point.lon - 360.0].into_iter().any(inside)
}

/// The same direction, at most half way round.
fn wrapped(degrees: f64) -> f64 {
    if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_contain_their_points() {
        for (area, inside, outside) in [
            ("40,100 5km", &["40,100", "40.0449,100", "40,100.0586"][..], &["40.0451,100", "40,100.0589"][..]),
            ("0,180 1km", &["0,-180", "0,-179.992"], &["0,-179.99"]),
            ("40,100 300m", &["40.0026,100"], &["40.0028,100"]),
            ("40,100 1mi", &["40.0144,100"], &["40.0146,100"]),
            ("40,100|50,105", &["40,100", "50,105", "45,102"], &["39.9,102", "45,105.1", "51,102"]),
            ("50,100|40,105", &["45,102"], &["45,99"]),
            ("-10,170|10,-170", &["0,175", "0,-175", "0,180"], &["0,0", "0,169", "11,175"]),
            ("0,0|0,100|40,100|40,0", &["0,0", "20,50", "40,100", "0,50"], &["-1,50", "20,101", "41,0"]),
            ("0,0|40,0|40,100|0,100", &["20,50", "40,50"], &["20,-1"]),
            ("0,170|0,-170|10,-170|10,170", &["5,175", "5,-175", "0,-170"], &["5,160", "5,-160", "5,0"]),
            ("0,0|10,10|0,20|-10,10", &["0,10", "5,5", "9,10"], &["6,4", "9,12"]),
            ("1,1|1,1|1,1|1,1", &["1,1"], &["1,2", "2,2"]),
        ] {
            let area_of = Area::read(area).expect(area);
            for point in inside {
                assert!(area_of.contains(Point::read(point).unwrap()), "{point} in {area}");
            }
            for point in outside {
                assert!(!area_of.contains(Point::read(point).unwrap()), "{point} not in {area}");
            }
        }
    }

    #[test]
    fn other_texts_are_no_areas() {
        for text in [
            "",
            "40,100",
            "40 5km",
            "40,100 5",
            "40,100 5ft",
            "91,0 1km",
            "0,181 1km",
            "0,0|1,1|2,2",
            "a,b|c,d",
            "NaN,0 1km",
            "0,0 -1km",
        ] {
            assert_eq!(Area::read(text), None, "{text}");
        }
    }
}
