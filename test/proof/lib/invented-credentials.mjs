/** What every client of moto signs with: moto checks no signature. */
export const INVENTED_CREDENTIALS = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret-access-key' };
