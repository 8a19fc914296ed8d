//! Columns that line up.

use super::paint::{Ink, Paint};

/// Rows of cells; a column is as wide as its widest cell.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// One cell.
pub(super) struct Cell {
    text: String,
    right: bool,
    ink: Ink,
}

impl Cell {
    pub(super) fn left(text: impl Into<String>) -> Self {
        Self { text: text.into(), right: false, ink: Ink::Plain }
    }

    pub(super) fn right(text: impl Into<String>) -> Self {
        Self { text: text.into(), right: true, ink: Ink::Plain }
    }

    pub(super) fn ink(self, ink: Ink) -> Self {
        Self { ink, ..self }
    }
}

impl Table {
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows, each after the indent, columns three blanks apart.
    pub(super) fn render(&self, indent: usize, paint: Paint) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width_of = |cell: &Cell| cell.text.chars().count();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(width_of).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = " ".repeat(width - width_of(cell));
                let painted = paint.with(cell.ink, &cell.text);
                line += if index > 0 { "   " } else { "" };
                line += &if cell.right { format!("{gap}{painted}") } else { format!("{painted}{gap}") };
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}
