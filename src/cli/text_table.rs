//! A table as text: columns that line up.
//!
//! Apart because several commands print one. It neither shortens nor escapes a cell.

/// Lines up columns; the last one has any width.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let lines = || std::iter::once(&head).chain(rows);
    let mut widths = [0; N];
    for line in lines() {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for line in lines() {
        let cells = line.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_space_at_the_end() {
        let check = |rows: &[[&str; 2]], expected: &str| {
            let rows: Vec<[String; 2]> = rows.iter().map(|row| row.map(str::to_owned)).collect();
            assert_eq!(table(["A", "B"], &rows), expected);
        };
        check(&[], "A  B\n");
        check(&[["ab", "c"]], "A   B\nab  c\n");
        check(&[["é", ""]], "A  B\né\n");
    }
}
