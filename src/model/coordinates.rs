//! Custom coordinates: the part of a picture that its owner finds important, `x,y,width,height` in pixels.

/// The text in its stored form, if it is four whole numbers from 0.
pub fn checked(text: &str) -> Option<String> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 4)?;
    Some(numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_whole_numbers() {
        assert_eq!(checked("10, 10,20,030"), Some("10,10,20,30".into()));
        for text in ["", "1,2,3", "1,2,3,4,5", "-1,2,3,4", "1.5,2,3,4", "a,b,c,d", "1,2,3,99999999999"] {
            assert_eq!(checked(text), None, "{text}");
        }
    }
}
