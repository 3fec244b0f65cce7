// Lines as an Ink element: one Text per row, styled by us, so that Ink has nothing to lay out but rows.
import { Box, Text } from "ink";
import { memo } from "react";
import type { Line } from "./drawing/line.ts";
import { type Palette, paint } from "./drawing/theme.ts";

export function Frame({ lines, palette }: { lines: readonly Line[]; palette: Palette }) {
  return (
    <Box flexDirection="column">
      {lines.map((l, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place on the screen
        <Row key={i} text={paint(l, palette)} />
      ))}
    </Box>
  );
}

const Row = memo(function Row({ text }: { text: string }) {
  return <Text wrap="truncate">{text === "" ? " " : text}</Text>;
});
