export interface LocationTable<L> { readonly _l?: L }
