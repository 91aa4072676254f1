// Everything of CodeMirror that the editor's own modules import, as one module.
export * from "@codemirror/state";
export * from "@codemirror/view";
export * from "@codemirror/commands";
export * from "@codemirror/language";
export * from "@codemirror/search";
export * from "@codemirror/autocomplete";
export * from "@codemirror/lint";
export { MergeView, unifiedMergeView } from "@codemirror/merge";
export { javascript, javascriptLanguage, localCompletionSource } from "@codemirror/lang-javascript";
export { json } from "@codemirror/lang-json";
export { css } from "@codemirror/lang-css";
export { html } from "@codemirror/lang-html";
export { markdown } from "@codemirror/lang-markdown";
export { sql, SQLite } from "@codemirror/lang-sql";
export { yaml } from "@codemirror/lang-yaml";
export { tags, highlightTree, classHighlighter } from "@lezer/highlight";
