export interface ServerTable<S> { readonly _s?: S }
