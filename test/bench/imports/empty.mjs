// What a process costs by itself.
export const nothing = undefined;
