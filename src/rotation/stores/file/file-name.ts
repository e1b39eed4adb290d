/** The name of rings in files, in errors and events. */
export const FILE = 'file';
