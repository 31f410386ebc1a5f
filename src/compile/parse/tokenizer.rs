//! Tokens of Python 3.8 source, with CPython's tokenizer errors in CPython's order.
//!
//! The tokenizer works on demand, one token at a time, so that what the grammar refuses and what the tokenizer refuses are
//! met in the order of the source. It keeps what CPython's error reports depend on: where its line buffer would start, and
//! whether it has looked at the end of the input yet.

use crate::types::str::properties;

/// What a token is. Keywords are kinds of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    EndMarker,
    Newline,
    Indent,
    Dedent,
    Name,
    Number,
    String,
    TypeComment,
    /// Of `# type: ignore`; the parser never sees it.
    TypeIgnore,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Colon,
    Comma,
    Semicolon,
    Plus,
    Minus,
    Star,
    Slash,
    Bar,
    Ampersand,
    Less,
    Greater,
    Equal,
    Dot,
    Percent,
    EqEqual,
    NotEqual,
    LessEqual,
    GreaterEqual,
    Tilde,
    Circumflex,
    LeftShift,
    RightShift,
    DoubleStar,
    PlusEqual,
    MinusEqual,
    StarEqual,
    SlashEqual,
    PercentEqual,
    AmpersandEqual,
    BarEqual,
    CircumflexEqual,
    LeftShiftEqual,
    RightShiftEqual,
    DoubleStarEqual,
    DoubleSlash,
    DoubleSlashEqual,
    At,
    AtEqual,
    Arrow,
    Ellipsis,
    ColonEqual,
    /// A character that starts no token.
    Other,
    False,
    None,
    True,
    And,
    As,
    Assert,
    Async,
    Await,
    Break,
    Class,
    Continue,
    Def,
    Del,
    Elif,
    Else,
    Except,
    Finally,
    For,
    From,
    Global,
    If,
    Import,
    In,
    Is,
    Lambda,
    Nonlocal,
    Not,
    Or,
    Pass,
    Raise,
    Return,
    Try,
    While,
    With,
    Yield,
}

/// A place: line from 1, column in bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub line: i32,
    pub col: i32,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// Its text is `source[start..end]`.
    pub start: u32,
    pub end: u32,
    pub at: Place,
    pub until: Place,
}

/// Why there is no next token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenError {
    /// The end of the input after a backslash.
    Eof,
    /// `IndentationError`: back to a column that no line has.
    Dedent,
    /// `TabError`.
    TabSpace,
    /// Over a hundred levels.
    TooDeep,
    /// A triple-quoted string without its end.
    EofInString,
    /// A string without its end.
    EolInString,
    /// Something after a backslash.
    LineContinuation,
    /// A character that no identifier has.
    Identifier,
    /// Any other, in its own words; it shows the line only.
    Message(String),
}

/// How a source that is read as a file ends. CPython counts the reads that find nothing as lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileEnd {
    /// Its last line has a newline: the end is found by one more read.
    pub complete: bool,
}

/// CPython's limit of nested parentheses.
const MAX_PARENS: usize = 200;
/// CPython's limit of indentation levels, the first line's included.
const MAX_INDENTS: usize = 100;

pub(super) struct Tokenizer<'s> {
    source: &'s [u8],
    pos: usize,
    line: i32,
    line_start: usize,
    /// Where CPython's buffer starts: at the line, or at an earlier one while a token goes over several.
    buffer: usize,
    at_line_start: bool,
    pending: i32,
    indents: Vec<(u32, u32)>,
    parens: Vec<(u8, i32)>,
    /// The end of the input has been looked at.
    eof: bool,
    /// What the end of a file does; `None` for text.
    file: Option<FileEnd>,
    /// The end of a file was met where a line should begin: CPython's buffer holds nothing any more.
    cleared: bool,
    /// A token came since the last end marker.
    started: bool,
    imply_dedent: bool,
    /// An empty line ends a group of commands.
    interactive: bool,
    type_comments: bool,
    /// `async` and `await` are names, but in an `async def`: before 3.7.
    async_names: bool,
    /// The `async def` that is being read: its indentation, and whether its signature is over.
    async_def: Option<(usize, bool)>,
}

const IDENTIFIER_START: u8 = 1;
const IDENTIFIER: u8 = 2;
const SPACE: u8 = 4;

static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphabetic() || c == b'_' || c >= 128 {
            class[byte] = IDENTIFIER_START | IDENTIFIER;
        } else if c.is_ascii_digit() {
            class[byte] = IDENTIFIER;
        } else if c == b' ' || c == b'\t' || c == 0x0c {
            class[byte] = SPACE;
        }
        byte += 1;
    }
    class
};

fn keyword(text: &[u8]) -> Kind {
    match text {
        b"False" => Kind::False,
        b"None" => Kind::None,
        b"True" => Kind::True,
        b"and" => Kind::And,
        b"as" => Kind::As,
        b"assert" => Kind::Assert,
        b"async" => Kind::Async,
        b"await" => Kind::Await,
        b"break" => Kind::Break,
        b"class" => Kind::Class,
        b"continue" => Kind::Continue,
        b"def" => Kind::Def,
        b"del" => Kind::Del,
        b"elif" => Kind::Elif,
        b"else" => Kind::Else,
        b"except" => Kind::Except,
        b"finally" => Kind::Finally,
        b"for" => Kind::For,
        b"from" => Kind::From,
        b"global" => Kind::Global,
        b"if" => Kind::If,
        b"import" => Kind::Import,
        b"in" => Kind::In,
        b"is" => Kind::Is,
        b"lambda" => Kind::Lambda,
        b"nonlocal" => Kind::Nonlocal,
        b"not" => Kind::Not,
        b"or" => Kind::Or,
        b"pass" => Kind::Pass,
        b"raise" => Kind::Raise,
        b"return" => Kind::Return,
        b"try" => Kind::Try,
        b"while" => Kind::While,
        b"with" => Kind::With,
        b"yield" => Kind::Yield,
        _ => Kind::Name,
    }
}

/// Whether letters before a quote belong to the string.
fn is_string_prefix(text: &[u8]) -> bool {
    match *text {
        [a] => matches!(a | 0x20, b'b' | b'r' | b'u' | b'f'),
        [a, b] => matches!((a | 0x20, b | 0x20), (b'b' | b'f', b'r') | (b'r', b'b' | b'f')),
        _ => false,
    }
}

fn two_chars(a: u8, b: u8) -> Option<Kind> {
    Some(match (a, b) {
        (b'!', b'=') | (b'<', b'>') => Kind::NotEqual,
        (b'%', b'=') => Kind::PercentEqual,
        (b'&', b'=') => Kind::AmpersandEqual,
        (b'*', b'*') => Kind::DoubleStar,
        (b'*', b'=') => Kind::StarEqual,
        (b'+', b'=') => Kind::PlusEqual,
        (b'-', b'=') => Kind::MinusEqual,
        (b'-', b'>') => Kind::Arrow,
        (b'/', b'/') => Kind::DoubleSlash,
        (b'/', b'=') => Kind::SlashEqual,
        (b':', b'=') => Kind::ColonEqual,
        (b'<', b'<') => Kind::LeftShift,
        (b'<', b'=') => Kind::LessEqual,
        (b'=', b'=') => Kind::EqEqual,
        (b'>', b'=') => Kind::GreaterEqual,
        (b'>', b'>') => Kind::RightShift,
        (b'@', b'=') => Kind::AtEqual,
        (b'^', b'=') => Kind::CircumflexEqual,
        (b'|', b'=') => Kind::BarEqual,
        _ => return None,
    })
}

fn one_char(c: u8) -> Kind {
    match c {
        b'%' => Kind::Percent,
        b'&' => Kind::Ampersand,
        b'(' => Kind::LeftParen,
        b')' => Kind::RightParen,
        b'*' => Kind::Star,
        b'+' => Kind::Plus,
        b',' => Kind::Comma,
        b'-' => Kind::Minus,
        b'/' => Kind::Slash,
        b':' => Kind::Colon,
        b';' => Kind::Semicolon,
        b'<' => Kind::Less,
        b'=' => Kind::Equal,
        b'>' => Kind::Greater,
        b'@' => Kind::At,
        b'[' => Kind::LeftBracket,
        b']' => Kind::RightBracket,
        b'^' => Kind::Circumflex,
        b'{' => Kind::LeftBrace,
        b'|' => Kind::Bar,
        b'}' => Kind::RightBrace,
        b'~' => Kind::Tilde,
        _ => Kind::Other,
    }
}

impl<'s> Tokenizer<'s> {
    /// Of source text of less than 2 GB, with newlines of one character.
    pub fn new(
        source: &'s [u8],
        file: Option<FileEnd>,
        imply_dedent: bool,
        type_comments: bool,
        async_names: bool,
    ) -> Self {
        Tokenizer {
            source,
            pos: 0,
            line: 0,
            line_start: 0,
            buffer: 0,
            at_line_start: true,
            pending: 0,
            indents: vec![(0, 0)],
            parens: Vec::new(),
            eof: false,
            file,
            cleared: false,
            started: false,
            imply_dedent,
            interactive: false,
            type_comments,
            async_names,
            async_def: None,
        }
    }

    /// Has empty lines heeded as in a dialogue.
    pub fn set_interactive(&mut self) {
        self.interactive = true;
    }

    /// The line that is being read.
    pub fn line(&self) -> i32 {
        self.line
    }

    /// How far the tokenizer has read into its buffer.
    pub fn read(&self) -> usize {
        self.pos.saturating_sub(self.buffer)
    }

    /// Whether the end of a file was met where a line should begin.
    pub fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Whether the end of the input has been looked at.
    pub fn at_eof(&self) -> bool {
        self.eof
    }

    /// What follows the tokens read so far.
    pub fn rest(&self) -> &'s [u8] {
        self.source.get(self.pos..).unwrap_or_default()
    }

    fn line_end(&self) -> usize {
        let rest = self.source.get(self.line_start..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(at) => self.line_start + at + 1,
            None => self.source.len(),
        }
    }

    /// What an error shows: the buffer up to the end of the line.
    pub fn text(&self) -> &'s [u8] {
        if self.cleared {
            return b"";
        }
        self.source.get(self.buffer..self.line_end()).unwrap_or_default()
    }

    /// What an error of the tokenizer's own words shows: the line without its newline, and how much of it was read.
    pub fn line_text(&self) -> (&'s [u8], usize) {
        let line = self.source.get(self.line_start..self.line_end()).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        (line, self.pos.saturating_sub(self.line_start))
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.source.get(at).copied().unwrap_or(0)
    }

    fn col(&self, at: usize) -> i32 {
        (at - self.line_start) as i32
    }

    #[inline]
    fn token(&mut self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            start: start as u32,
            end: self.pos as u32,
            at: Place { line: self.line, col: (start - self.line_start) as i32 },
            until: Place { line: self.line, col: (self.pos - self.line_start) as i32 },
        }
    }

    /// A token without text.
    fn empty(&self, kind: Kind) -> Token {
        let at = Place { line: self.line, col: -1 };
        Token { kind, start: self.pos as u32, end: self.pos as u32, at, until: at }
    }

    /// Whether there is a line to go on with; `alone` when no token is being read.
    fn next_line(&mut self, alone: bool) -> bool {
        if self.pos >= self.source.len() {
            self.end(alone);
            return false;
        }
        if alone {
            self.buffer = self.pos;
        }
        self.line_start = self.pos;
        self.line += 1;
        true
    }

    /// Notes that there is no next line; `alone` when no token is being read.
    fn end(&mut self, alone: bool) {
        self.eof = true;
        if let Some(end) = self.file.take() {
            self.line += 1 + i32::from(end.complete && !alone);
            self.cleared = alone;
        }
    }

    /// The next token. The end of the input comes as a newline, dedents and an end marker.
    pub fn next(&mut self) -> Result<Token, TokenError> {
        let mut token = self.scan()?;
        if token.kind == Kind::EndMarker && self.started {
            token.kind = Kind::Newline;
            self.started = false;
            if self.indents.len() > 1 && self.imply_dedent {
                self.pending = -(self.indents.len() as i32 - 1);
                self.indents.truncate(1);
            }
        } else {
            self.started = true;
        }
        Ok(token)
    }

    /// Reads the indentation of a line; whether it holds anything.
    fn indentation(&mut self) -> Result<bool, TokenError> {
        self.at_line_start = false;
        let has_line = self.next_line(true);
        let (mut col, mut alt) = (0u32, 0u32);
        let mut c = self.byte(self.pos);
        if has_line {
            loop {
                match c {
                    b' ' => (col, alt) = (col.wrapping_add(1), alt.wrapping_add(1)),
                    b'\t' => (col, alt) = ((col / 8 + 1).wrapping_mul(8), alt.wrapping_add(1)),
                    0x0c => (col, alt) = (0, 0),
                    _ => break,
                }
                self.pos += 1;
                c = self.byte(self.pos);
            }
            if self.pos >= self.source.len() {
                self.eof = true;
            } else if c == b'#' || c == b'\n' {
                if !self.interactive || ((col != 0 || c != b'\n') && self.line != 1) {
                    return Ok(true);
                }
                // A dialogue heeds an empty line, and a first one with nothing but a comment.
                (col, alt) = (0, 0);
            }
        }
        if !self.parens.is_empty() {
            return Ok(false);
        }
        let (top, alt_top) = self.indents.last().copied().unwrap_or_default();
        if col == top {
            if alt != alt_top {
                return self.tab_error();
            }
        } else if col > top {
            if self.indents.len() >= MAX_INDENTS {
                self.pos = self.line_end();
                return Err(TokenError::TooDeep);
            }
            if alt <= alt_top {
                return self.tab_error();
            }
            self.pending += 1;
            self.indents.push((col, alt));
        } else {
            while self.indents.len() > 1 && self.indents.last().is_some_and(|&(top, _)| col < top) {
                self.pending -= 1;
                self.indents.pop();
            }
            let (top, alt_top) = self.indents.last().copied().unwrap_or_default();
            if col != top {
                self.pos = self.line_end();
                return Err(TokenError::Dedent);
            }
            if alt != alt_top {
                return self.tab_error();
            }
        }
        Ok(false)
    }

    fn tab_error(&mut self) -> Result<bool, TokenError> {
        self.pos = self.line_end();
        Err(TokenError::TabSpace)
    }

    fn scan(&mut self) -> Result<Token, TokenError> {
        let mut blank = false;
        if self.at_line_start {
            blank = self.indentation()?;
        }
        if self.pending != 0 {
            let kind = if self.pending < 0 { Kind::Dedent } else { Kind::Indent };
            self.pending -= self.pending.signum();
            return Ok(self.empty(kind));
        }
        if self.async_def.is_some() {
            self.close_async_def(blank);
        }
        // A newline starts where the comment before it does.
        let mut comment = None;
        loop {
            while CLASS[self.byte(self.pos) as usize] & SPACE != 0 {
                self.pos += 1;
            }
            let start = self.pos;
            if start >= self.source.len() {
                self.eof = true;
                return Ok(self.empty(Kind::EndMarker));
            }
            let c = self.byte(start);
            let class = CLASS[c as usize];
            if class & IDENTIFIER_START != 0 {
                return self.name(start);
            }
            match c {
                b'\n' => {
                    self.pos += 1;
                    if !blank && self.parens.is_empty() {
                        self.at_line_start = true;
                        if let Some((_, over)) = &mut self.async_def {
                            *over = true;
                        }
                        let mut token = self.token(Kind::Newline, comment.unwrap_or(start));
                        token.until.col = self.col(start);
                        return Ok(token);
                    }
                    comment = None;
                    blank = self.indentation()?;
                    if self.pending != 0 {
                        let kind = if self.pending < 0 { Kind::Dedent } else { Kind::Indent };
                        self.pending -= self.pending.signum();
                        return Ok(self.empty(kind));
                    }
                }
                b'#' => {
                    comment = Some(start);
                    let rest = self.source.get(start..).unwrap_or_default();
                    self.pos = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    if self.pos >= self.source.len() {
                        self.eof = true;
                    }
                    if self.type_comments
                        && let Some(token) = self.type_comment(start, blank)
                    {
                        return Ok(token);
                    }
                }
                b'0'..=b'9' => return self.number(start),
                b'"' | b'\'' => return self.string(start, start),
                b'.' => {
                    let next = self.byte(start + 1);
                    if next.is_ascii_digit() {
                        return self.number(start);
                    }
                    if next == b'.' && self.byte(start + 2) == b'.' {
                        self.pos = start + 3;
                        return Ok(self.token(Kind::Ellipsis, start));
                    }
                    self.pos = start + 1;
                    let seen = self.pos + usize::from(next == b'.');
                    self.eof |= seen >= self.source.len();
                    return Ok(self.token(Kind::Dot, start));
                }
                b'\\' => {
                    if self.byte(start + 1) != b'\n' {
                        self.pos = self.line_end();
                        return Err(TokenError::LineContinuation);
                    }
                    self.pos = start + 2;
                    if !self.next_line(false) {
                        return Err(TokenError::Eof);
                    }
                }
                _ => return self.operator(c, start),
            }
        }
    }

    fn type_comment(&mut self, start: usize, blank: bool) -> Option<Token> {
        let text = self.source.get(start..self.pos)?;
        let spaces = |text: &[u8]| text.iter().take_while(|&&c| c == b' ' || c == b'\t').count();
        let text = text.strip_prefix(b"#")?;
        let text = text.get(spaces(text)..)?.strip_prefix(b"type:")?;
        let text = text.get(spaces(text)..)?;
        let from = self.pos - text.len();
        let tag = text
            .strip_prefix(b"ignore")
            .filter(|tag| tag.first().is_none_or(|&c| c < 128 && !c.is_ascii_alphanumeric()));
        if let Some(tag) = tag {
            let token = self.token(Kind::TypeIgnore, self.pos - tag.len());
            if blank && self.pos < self.source.len() {
                self.pos += 1;
                self.at_line_start = true;
            }
            return Some(token);
        }
        Some(self.token(Kind::TypeComment, from))
    }

    #[inline]
    fn name(&mut self, start: usize) -> Result<Token, TokenError> {
        let mut seen = 0;
        let mut pos = start;
        loop {
            let c = self.byte(pos);
            if CLASS[c as usize] & IDENTIFIER == 0 {
                if (c == b'"' || c == b'\'')
                    && pos - start <= 2
                    && is_string_prefix(self.source.get(start..pos).unwrap_or_default())
                {
                    return self.string(start, pos);
                }
                break;
            }
            seen |= c;
            pos += 1;
        }
        self.pos = pos;
        self.eof |= pos >= self.source.len();
        let text = self.source.get(start..pos).unwrap_or_default();
        if seen >= 128 && !is_identifier(text) {
            return Err(TokenError::Identifier);
        }
        let mut kind = if text.len() <= 8 { keyword(text) } else { Kind::Name };
        if self.async_names && matches!(kind, Kind::Async | Kind::Await) && self.async_def.is_none() {
            if kind == Kind::Async && self.before_def() {
                self.async_def = Some((self.indents.len(), false));
            } else {
                kind = Kind::Name;
            }
        }
        Ok(self.token(kind, start))
    }

    /// Whether `def` comes next.
    fn before_def(&self) -> bool {
        let mut at = self.pos;
        loop {
            match self.byte(at) {
                b' ' | b'\t' | 0x0c => at += 1,
                b'\\' if self.byte(at + 1) == b'\n' => at += 2,
                _ => break,
            }
        }
        let rest = self.source.get(at..).unwrap_or_default();
        rest.starts_with(b"def") && CLASS[self.byte(at + 3) as usize] & IDENTIFIER == 0
    }

    /// Ends an `async def` where a line stands further left than its body.
    fn close_async_def(&mut self, blank: bool) {
        if let Some((indent, true)) = self.async_def
            && !blank
            && self.byte(self.pos) != b'\n'
            && self.parens.is_empty()
            && indent >= self.indents.len()
        {
            self.async_def = None;
        }
    }

    fn operator(&mut self, c: u8, start: usize) -> Result<Token, TokenError> {
        let next = self.byte(start + 1);
        if let Some(two) = two_chars(c, next) {
            let third = self.byte(start + 2);
            let three = match (two, third) {
                (Kind::DoubleStar, b'=') => Some(Kind::DoubleStarEqual),
                (Kind::DoubleSlash, b'=') => Some(Kind::DoubleSlashEqual),
                (Kind::LeftShift, b'=') => Some(Kind::LeftShiftEqual),
                (Kind::RightShift, b'=') => Some(Kind::RightShiftEqual),
                _ => None,
            };
            self.pos = start + 2 + usize::from(three.is_some());
            self.eof |= start + 2 >= self.source.len();
            return Ok(self.token(three.unwrap_or(two), start));
        }
        self.pos = start + 1;
        self.eof |= self.pos >= self.source.len();
        match c {
            b'(' | b'[' | b'{' => {
                if self.parens.len() >= MAX_PARENS {
                    return Err(TokenError::Message("too many nested parentheses".to_owned()));
                }
                self.parens.push((c, self.line));
            }
            b')' | b']' | b'}' => {
                let closing = char::from(c);
                let Some((opening, line)) = self.parens.pop() else {
                    return Err(TokenError::Message(format!("unmatched '{closing}'")));
                };
                if !matches!((opening, c), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
                    let opening = char::from(opening);
                    let place = if line == self.line { String::new() } else { format!(" on line {line}") };
                    return Err(TokenError::Message(format!(
                        "closing parenthesis '{closing}' does not match opening parenthesis '{opening}'{place}"
                    )));
                }
            }
            _ => {}
        }
        Ok(self.token(one_char(c), start))
    }

    fn string(&mut self, start: usize, quote_at: usize) -> Result<Token, TokenError> {
        let quote = self.byte(quote_at);
        let at = Place { line: self.line, col: self.col(start) };
        let mut pos = quote_at + 1;
        let mut triple = false;
        if self.byte(pos) == quote {
            if self.byte(pos + 1) != quote {
                self.pos = pos + 1;
                self.eof |= self.pos >= self.source.len();
                return Ok(self.token(Kind::String, start));
            }
            triple = true;
            pos += 2;
        }
        let closed = loop {
            let rest = self.source.get(pos..).unwrap_or_default();
            let Some(found) = memchr::memchr3(quote, b'\\', b'\n', rest) else {
                break false;
            };
            pos += found;
            let c = self.byte(pos);
            let mut newline = c == b'\n';
            if c == quote {
                if !triple {
                    pos += 1;
                    break true;
                }
                if self.byte(pos + 1) == quote && self.byte(pos + 2) == quote {
                    pos += 3;
                    break true;
                }
            } else if c == b'\\' {
                pos += 1;
                newline = self.byte(pos) == b'\n';
            } else if !triple {
                self.pos = self.line_end();
                return Err(TokenError::EolInString);
            }
            pos += 1;
            if newline && pos < self.source.len() {
                self.line_start = pos;
                self.line += 1;
            }
        };
        if !closed {
            self.pos = self.source.len();
            self.eof = true;
            if let Some(end) = self.file.take() {
                self.line += 1 + i32::from(end.complete);
            }
            return Err(if triple { TokenError::EofInString } else { TokenError::EolInString });
        }
        self.pos = pos;
        Ok(Token {
            kind: Kind::String,
            start: start as u32,
            end: pos as u32,
            at,
            until: Place { line: self.line, col: self.col(pos) },
        })
    }

    fn number(&mut self, start: usize) -> Result<Token, TokenError> {
        self.pos = start;
        self.number_text()?;
        self.eof |= self.pos >= self.source.len();
        Ok(self.token(Kind::Number, start))
    }

    fn number_text(&mut self) -> Result<(), TokenError> {
        if self.byte(self.pos) == b'.' {
            self.pos += 1;
            return self.fraction();
        }
        if self.byte(self.pos) != b'0' {
            self.decimal_tail()?;
            return self.after_digits();
        }
        self.pos += 1;
        match self.byte(self.pos) | 0x20 {
            b'x' => self.radix("hexadecimal", |c| c.is_ascii_hexdigit()),
            b'o' => self.radix("octal", |c| (b'0'..b'8').contains(&c)),
            b'b' => self.radix("binary", |c| c == b'0' || c == b'1'),
            _ => {
                loop {
                    if self.byte(self.pos) == b'_' {
                        self.pos += 1;
                        if !self.byte(self.pos).is_ascii_digit() {
                            return Err(invalid_decimal());
                        }
                    }
                    if self.byte(self.pos) != b'0' {
                        break;
                    }
                    self.pos += 1;
                }
                let nonzero = self.byte(self.pos).is_ascii_digit();
                if nonzero {
                    self.decimal_tail()?;
                }
                if nonzero && !matches!(self.byte(self.pos), b'.' | b'e' | b'E' | b'j' | b'J') {
                    return Err(TokenError::Message(
                        "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers"
                            .to_owned(),
                    ));
                }
                self.after_digits()
            }
        }
    }

    fn radix(&mut self, name: &str, is_digit: fn(u8) -> bool) -> Result<(), TokenError> {
        self.pos += 1;
        let invalid = |this: &Self| {
            let c = this.byte(this.pos);
            TokenError::Message(if c.is_ascii_digit() && name != "hexadecimal" {
                format!("invalid digit '{}' in {name} literal", char::from(c))
            } else {
                format!("invalid {name} literal")
            })
        };
        loop {
            if self.byte(self.pos) == b'_' {
                self.pos += 1;
            }
            if !is_digit(self.byte(self.pos)) {
                return Err(invalid(self));
            }
            while is_digit(self.byte(self.pos)) {
                self.pos += 1;
            }
            if self.byte(self.pos) != b'_' {
                break;
            }
        }
        if self.byte(self.pos).is_ascii_digit() {
            let error = invalid(self);
            // Read already, and not given back.
            self.pos += 1;
            return Err(error);
        }
        Ok(())
    }

    fn decimal_tail(&mut self) -> Result<(), TokenError> {
        loop {
            while self.byte(self.pos).is_ascii_digit() {
                self.pos += 1;
            }
            if self.byte(self.pos) != b'_' {
                return Ok(());
            }
            self.pos += 1;
            if !self.byte(self.pos).is_ascii_digit() {
                return Err(invalid_decimal());
            }
        }
    }

    fn after_digits(&mut self) -> Result<(), TokenError> {
        if self.byte(self.pos) == b'.' {
            self.pos += 1;
            return self.fraction();
        }
        self.exponent()
    }

    fn fraction(&mut self) -> Result<(), TokenError> {
        if self.byte(self.pos).is_ascii_digit() {
            self.decimal_tail()?;
        }
        self.exponent()
    }

    fn exponent(&mut self) -> Result<(), TokenError> {
        if matches!(self.byte(self.pos), b'e' | b'E') {
            let next = self.byte(self.pos + 1);
            if next == b'+' || next == b'-' {
                self.pos += 2;
                if !self.byte(self.pos).is_ascii_digit() {
                    return Err(invalid_decimal());
                }
            } else if !next.is_ascii_digit() {
                return Ok(());
            } else {
                self.pos += 1;
            }
            self.decimal_tail()?;
        }
        if matches!(self.byte(self.pos), b'j' | b'J') {
            self.pos += 1;
        }
        Ok(())
    }
}

fn invalid_decimal() -> TokenError {
    TokenError::Message("invalid decimal literal".to_owned())
}

/// Whether an identifier with characters beyond ASCII is one by 3.8's tables.
fn is_identifier(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut chars = text.chars().map(u32::from);
    chars.next().is_some_and(|first| first == u32::from('_') || properties::has(first, properties::XID_START))
        && chars.all(|c| properties::has(c, properties::XID_CONTINUE))
}
