//! Punycode (RFC 3492): the label of a host as `xn--…` and in Unicode. Labels that do not fit are
//! left as they are, for nothing is decided here.

const PREFIX: &str = "xn--";
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;
/// No label of a host is longer (RFC 1035 section 2.3.4).
const MAX_LABEL_LENGTH: usize = 63;

/// Returns a host with each label in ASCII.
pub(super) fn to_ascii(host: &str) -> String {
    labels(host, |label| {
        let encoded = if label.is_ascii() { None } else { encode(label) };
        encoded.filter(|label| fits(label))
    })
}

/// Returns a host with each label in Unicode.
pub(super) fn to_unicode(host: &str) -> String {
    labels(host, |label| {
        let decoded = label.strip_prefix(PREFIX).filter(|_| fits(label)).and_then(decode);
        // No label that is ASCII has this form.
        decoded.filter(|label| !label.is_ascii())
    })
}

fn fits(label: &str) -> bool {
    label.len() <= MAX_LABEL_LENGTH
}

fn labels(host: &str, convert: impl Fn(&str) -> Option<String>) -> String {
    let labels = host.split('.').map(|label| convert(label).unwrap_or_else(|| label.to_owned()));
    labels.collect::<Vec<_>>().join(".")
}

fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = delta / if is_first { DAMP } else { 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

/// Returns a digit: a to z, then 0 to 9.
fn digit(value: u32) -> char {
    char::from_digit((value + 10) % BASE, BASE).unwrap_or_default()
}

fn encode(label: &str) -> Option<String> {
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut output: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(output.len()).ok()?;
    let mut handled = basic;
    if basic > 0 {
        output.push('-');
    }
    let (mut n, mut delta, mut bias) = (INITIAL_N, 0_u32, INITIAL_BIAS);
    while (handled as usize) < points.len() {
        let next = points.iter().copied().filter(|point| *point >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for point in &points {
            if *point < n {
                delta += 1;
            } else if *point == n {
                let mut q = delta;
                for k in (BASE..).step_by(BASE as usize) {
                    let t = threshold(k, bias);
                    if q < t {
                        break;
                    }
                    output.push(digit(t + (q - t) % (BASE - t)));
                    q = (q - t) / (BASE - t);
                }
                output.push(digit(q));
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Some(format!("{PREFIX}{output}"))
}

fn decode(text: &str) -> Option<String> {
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut output: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (INITIAL_N, 0_u32, INITIAL_BIAS);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (start, mut weight) = (i, 1_u32);
        for k in (BASE..).step_by(BASE as usize) {
            let digit = match digits.next()? {
                letter @ b'a'..=b'z' => u32::from(letter - b'a'),
                number @ b'0'..=b'9' => u32::from(number - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let t = threshold(k, bias);
            if digit < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
        }
        let count = u32::try_from(output.len()).ok()? + 1;
        bias = adapt(i - start, count, start == 0);
        n = n.checked_add(i / count)?;
        i %= count;
        output.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(output.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Some of RFC 3492 section 7.1, and hosts.
    #[test]
    fn hosts_are_converted_both_ways() {
        for (unicode, ascii) in [
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("chat.bücher.example", "chat.xn--bcher-kva.example"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"),
            // Code points that are far apart.
            ("lanterns-燈節.example", "xn--lanterns--8z0vw46f.example"),
            ("🚀東❤中ж.example", "xn--f1a521pct0afeve803b.example"),
            ("example.com", "example.com"),
        ] {
            assert_eq!(to_ascii(unicode), ascii);
            assert_eq!(to_unicode(ascii), unicode);
        }
    }

    #[test]
    fn what_does_not_fit_is_left() {
        for host in ["xn--", "xn--99999999999", "xn--\u{fc}", "xn--a-", "", ".", "a..b"] {
            to_unicode(host);
            to_ascii(host);
        }
        let ascii = |length: usize| format!("xn--td{}", "a".repeat(length - 6));
        for (points, length) in [(57, 63), (58, 64), (1000, 1006)] {
            let (unicode, fits) = ("ü".repeat(points), length <= 63);
            assert_eq!(to_ascii(&unicode) == ascii(length), fits, "{length}");
            assert_eq!(to_unicode(&ascii(length)) == unicode, fits, "{length}");
        }
    }
}
