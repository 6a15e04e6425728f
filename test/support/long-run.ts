/** `VCLUSTER_ES_LONG=1 make test`: tests that watch for minutes watch as long as the promise says; otherwise they have a short form. */
export const isLongRun = (process.env["VCLUSTER_ES_LONG"] ?? "") !== ""
