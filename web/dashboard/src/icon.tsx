/** The few icons of the page: strokes on a 20 × 20 grid, in the colour of the text. */
const paths = {
  overview: "M3 11l4-4 3 3 6-6M3 16h14",
  entities:
    "M10 2.5l6.5 3.750v7.5L10 17.5l-6.5-3.750v-7.5zM3.5 6.250L10 10l6.5-3.750" +
    "M10 10v7.5",
  systems: "M3 5h9M15 5h2M3 10h3M9 10h8M3 15h7M13 15h4M12 3v4M6 8v4M10 13v4",
  clients:
    "M7.5 9a3 3 0 100-6 3 3 0 000 6zM2 17c0-3 2-5 5.5-5s5.5 2 5.5 5" +
    "M13 3.3a3 3 0 010 5.400M15 12.3c2 .7 3 2.400 3 4.7",
  snapshots:
    "M3 6c0-1.7 3-3 7-3s7 1.3 7 3-3 3-7 3-7-1.3-7-3v8c0 1.7 3 3 7 3s7-1.3 7-3V6" +
    "M3 10c0 1.7 3 3 7 3s7-1.3 7-3",
  list: "M7 5h10M7 10h10M7 15h10M3 5h.01M3 10h.01M3 15h.01",
  sun:
    "M10 6.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM10 2v1.5M10 16.5V18M2 10h1.5" +
    "M16.5 10H18M4.3 4.3l1.100 1.100M14.6 14.6l1.100 1.100M4.3 15.7l1.100-1.100" +
    "M14.6 5.400l1.100-1.100",
  moon: "M16.5 12A7 7 0 018 3.5a7 7 0 108.5 8.5z",
  leave: "M8 3H4v14h4M12 6l4 4-4 4M16 10H8",
  back: "M12 4l-6 6 6 6",
  plus: "M10 4v12M4 10h12",
  cross: "M5 5l10 10M15 5L5 15",
  reef:
    "M10 18v-5M10 14C6.5 14 3.5 12 3 7M10 14c3.5 0 6.5-2 7-7" +
    "M10 13.5C8 11 7 7.5 7.200 3M10 13.5c2-2.5 3-6 2.800-10.5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
