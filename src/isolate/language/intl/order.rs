//! The order of texts as people read them: by letters first, then by accents, then by case.
//!
//! It is that of the Unicode collation in what programs sort, names and titles; scripts follow each
//! other by their code points, and Han characters do too.

use std::cmp::Ordering;
use std::iter::Peekable;

use boa_engine::{Context, JsArgs, JsResult, JsValue};
use icu_normalizer::DecomposingNormalizerBorrowed;

/// Letters of their own, by language, in the place where that has them: after all that begins
/// with the letter of the second column. Composed, in small letters.
const LETTERS: [(&str, &[(char, char)]); 11] = [
    ("sv", &[('å', 'z'), ('ä', 'z'), ('ö', 'z')]),
    ("fi", &[('å', 'z'), ('ä', 'z'), ('ö', 'z')]),
    ("da", &[('æ', 'z'), ('ø', 'z'), ('å', 'z')]),
    ("nb", &[('æ', 'z'), ('ø', 'z'), ('å', 'z')]),
    ("no", &[('æ', 'z'), ('ø', 'z'), ('å', 'z')]),
    ("es", &[('ñ', 'n')]),
    (
        "pl",
        &[
            ('ą', 'a'),
            ('ć', 'c'),
            ('ę', 'e'),
            ('ł', 'l'),
            ('ń', 'n'),
            ('ó', 'o'),
            ('ś', 's'),
            ('ź', 'z'),
            ('ż', 'z'),
        ],
    ),
    ("cs", &[('č', 'c'), ('ř', 'r'), ('š', 's'), ('ž', 'z')]),
    (
        "sk",
        &[('ä', 'a'), ('č', 'c'), ('ô', 'o'), ('š', 's'), ('ž', 'z')],
    ),
    (
        "tr",
        &[
            ('ç', 'c'),
            ('ğ', 'g'),
            ('ı', 'h'),
            ('ö', 'o'),
            ('ş', 's'),
            ('ü', 'u'),
        ],
    ),
    ("hu", &[('ö', 'o'), ('ü', 'u')]),
];

/// Signs in their order, before digits and letters. What is not here follows by code point.
const SIGNS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// What is asked of an order.
struct Rules {
    letters: &'static [(char, char)],
    accents: bool,
    case: bool,
    numeric: bool,
    upper_first: bool,
    signs: bool,
}

impl Rules {
    // From `locale sensitivity ignorePunctuation numeric caseFirst`.
    fn read(key: &str) -> Rules {
        let mut words = key.split(' ');
        let mut next = || words.next().unwrap_or_default();
        let language = next().split('-').next().unwrap_or_default();
        let letters = LETTERS.iter().find(|(tag, _)| *tag == language);
        let sensitivity = next();
        Rules {
            letters: letters.map_or(&[], |(_, letters)| letters),
            accents: matches!(sensitivity, "accent" | "variant"),
            case: matches!(sensitivity, "case" | "variant"),
            signs: next() != "true",
            numeric: next() == "true",
            upper_first: next() == "upper",
        }
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let (a, b) = (self.weights(a), self.weights(b));
        let mut order = self.compare_letters(&a, &b);
        if self.accents {
            order = order.then_with(|| compare_by(&a, &b, |w| &w.marks));
        }
        if self.case {
            let by_case = compare_by(&a, &b, |w| &w.upper);
            order = order.then(if self.upper_first {
                by_case.reverse()
            } else {
                by_case
            });
        }
        order
    }

    fn compare_letters(&self, a: &[Weight], b: &[Weight]) -> Ordering {
        let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
        loop {
            match (a.peek(), b.peek()) {
                (None, None) => return Ordering::Equal,
                (None, _) => return Ordering::Less,
                (_, None) => return Ordering::Greater,
                (Some(x), Some(y)) if self.numeric && x.is_digit() && y.is_digit() => {
                    let (x, y) = (digits(&mut a), digits(&mut b));
                    let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                (Some(x), Some(y)) => {
                    let order = x.letter.cmp(&y.letter);
                    if order != Ordering::Equal {
                        return order;
                    }
                    a.next();
                    b.next();
                }
            }
        }
    }

    fn weights(&self, text: &str) -> Vec<Weight> {
        let mut weights: Vec<Weight> = Vec::with_capacity(text.len());
        let nfd = const { DecomposingNormalizerBorrowed::new_nfd() };
        for c in text.chars() {
            let upper = c.is_uppercase();
            let mut small = c.to_lowercase();
            let single = small.next().filter(|_| small.next().is_none());
            let own = single.and_then(|c| self.letters.iter().position(|(own, _)| *own == c));
            if let Some(place) = own {
                let (_, after) = self.letters[place];
                let rank = u32::try_from(place).map_or(u32::MAX, |place| place + 1);
                weights.push(Weight::new((4, u32::from(after), rank), upper));
                continue;
            }
            for part in nfd.normalize_iter(std::iter::once(c)) {
                if is_mark(part) {
                    if let Some(last) = weights.last_mut() {
                        last.marks.push(part);
                    }
                    continue;
                }
                for letter in spelled(part) {
                    let class = class(letter);
                    if (class < 3 && !self.signs) || letter.is_control() && !letter.is_whitespace()
                    {
                        continue;
                    }
                    let place = SIGNS.chars().position(|sign| sign == letter);
                    let place = place.and_then(|place| u32::try_from(place).ok());
                    let letter = place.unwrap_or(u32::from(letter));
                    weights.push(Weight::new((class, letter, 0), upper));
                }
            }
        }
        weights
    }
}

/// One letter: what it is, which accents it has, and whether it is a capital.
struct Weight {
    letter: (u8, u32, u32),
    marks: Vec<char>,
    upper: bool,
}

impl Weight {
    fn new(letter: (u8, u32, u32), upper: bool) -> Weight {
        Weight {
            letter,
            marks: Vec::new(),
            upper,
        }
    }

    fn is_digit(&self) -> bool {
        self.letter.0 == 3
    }
}

fn compare_by<T: Ord>(a: &[Weight], b: &[Weight], of: impl Fn(&Weight) -> &T) -> Ordering {
    a.iter().map(&of).cmp(b.iter().map(&of))
}

// A run of digits, without the zeros that it begins with.
fn digits<'a>(weights: &mut Peekable<impl Iterator<Item = &'a Weight>>) -> Vec<u32> {
    let mut digits = Vec::new();
    while let Some(weight) = weights.next_if(|weight| weight.is_digit()) {
        if !digits.is_empty() || weight.letter.1 != u32::from('0') {
            digits.push(weight.letter.1);
        }
    }
    digits
}

fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}')
}

// Space, signs, symbols, digits, letters.
fn class(c: char) -> u8 {
    match c {
        _ if c.is_whitespace() => 0,
        _ if SIGNS.contains(c) || (c.is_ascii_punctuation()) => 1,
        _ if c.is_ascii_digit() => 3,
        _ if c.is_alphanumeric() => 4,
        _ => 2,
    }
}

// In small letters, and those that are two as two.
fn spelled(c: char) -> impl Iterator<Item = char> {
    let pair = match c {
        'ß' | 'ẞ' => Some(['s', 's']),
        'æ' | 'Æ' => Some(['a', 'e']),
        'œ' | 'Œ' => Some(['o', 'e']),
        'þ' | 'Þ' => Some(['t', 'h']),
        _ => None,
    };
    let one = match c {
        'ø' | 'Ø' => Some('o'),
        'đ' | 'Đ' | 'ð' | 'Ð' => Some('d'),
        'ł' | 'Ł' => Some('l'),
        'ı' => Some('i'),
        _ => None,
    };
    let plain = pair.is_none() && one.is_none();
    let small = plain.then(|| c.to_lowercase()).into_iter().flatten();
    pair.into_iter().flatten().chain(one).chain(small)
}

/// `(key, a, b)`: -1, 0 or 1.
pub fn compare(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let mut text = |index: usize| -> JsResult<String> {
        let text = args.get_or_undefined(index).to_string(context)?;
        Ok(text.to_std_string_lossy())
    };
    let (key, a, b) = (text(0)?, text(1)?, text(2)?);
    Ok(match Rules::read(&key).compare(&a, &b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
    .into())
}
